//! `workload hoard`.

use std::io::{self, Write as _};

use anyhow::{Context, Result};
use clap::Args;
use nix::sys::signal::{SigSet, Signal};
use serde::Serialize;

/// Takes memory and keeps it until it is told to end.
#[derive(Args)]
pub(crate) struct Hoard {
    /// Mebibytes
    #[arg(long)]
    mebibytes: usize,
}

/// What was kept until then.
#[derive(Serialize)]
pub(crate) struct Hoarded {
    bytes: usize,
}

impl Hoard {
    pub(crate) fn run(&self) -> Result<Hoarded> {
        let ends = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
        ends.thread_block().context("cannot block signals")?;
        // Pages are there once they are written to, and not all the same.
        let mut memory = vec![0_u8; self.mebibytes << 20];
        for (byte, value) in memory.iter_mut().zip((0..=u8::MAX).cycle()) {
            *byte = value;
        }
        writeln!(io::stdout(), "holding").context("cannot write to stdout")?;
        ends.wait().context("cannot wait for a signal")?;
        let bytes = std::hint::black_box(&memory).len();
        Ok(Hoarded { bytes })
    }
}
