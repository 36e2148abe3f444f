//! Sockets that were open before the probe came.

use std::{
    fs::File,
    io::{self, Read as _},
};

use aya::{
    maps::{Array, Map, MapError},
    programs::{Iter, ProgramError, links::LinkError},
};
use probe_ebpf::pass::{PASS_CLIENTS, PASS_LISTENERS, PASS_OVER, PASS_SERVERS};
use thiserror::Error;

/// Why they could not be looked over.
#[derive(Debug, Error)]
pub enum BackfillError {
    /// The pass could not be told.
    #[error("map PASS cannot be used")]
    Pass(#[from] MapError),
    /// The iterator did not attach.
    #[error("the kernel refused to iterate over open files (in Linux since 5.11)")]
    Attach(#[from] ProgramError),
    /// It attached, but gave no file.
    #[error("the iterator over open files cannot be opened")]
    Open(#[from] LinkError),
    /// It could not be read to its end.
    #[error("the open files cannot be looked over")]
    Read(#[from] io::Error),
}

/// Lets every socket that is open find its flow. Everything must be attached already: what opens
/// meanwhile is seen by the hooks, what is seen twice counts once.
pub(super) fn look_over(program: &mut Iter, pass: Map) -> Result<(), BackfillError> {
    let mut current: Array<_, u32> = pass.try_into()?;
    for pass in [PASS_LISTENERS, PASS_CLIENTS, PASS_SERVERS] {
        current.set(0, pass, 0)?;
        let link = program.attach()?;
        read_to_end(program.take_link(link)?.into_file()?)?;
    }
    current.set(0, PASS_OVER, 0)?;
    Ok(())
}

/// Iterators whose programs print nothing give nothing, and take a breath now and then.
pub(super) fn read_to_end(mut iterator: File) -> io::Result<()> {
    loop {
        match iterator.read(&mut [0; 64]) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
