//! Makes open sockets hand over what they have counted: once a tick.
//!
//! aya attaches iterators over everything of a kind; this one goes over one map's entries, which
//! takes a map's descriptor in `BPF_LINK_CREATE`.

use std::{
    fs::File,
    io,
    mem::size_of,
    os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
};

use super::{bpf, open_sockets};

const BPF_LINK_CREATE: libc::c_int = 28;
const BPF_ITER_CREATE: libc::c_int = 33;
const BPF_TRACE_ITER: u32 = 28;

/// The `link_create` member of `union bpf_attr`, as far as iterators need it.
#[repr(C)]
struct LinkCreate {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    iter_info: u64,
    iter_info_len: u32,
    pad: u32,
}

/// `union bpf_iter_link_info` for map iterators, at its full size.
#[repr(C)]
struct IterInfo {
    map_fd: u32,
    pad: [u32; 3],
}

/// The `iter_create` member of `union bpf_attr`.
#[repr(C)]
struct IterCreate {
    link_fd: u32,
    flags: u32,
}

/// The iterators over all sockets that have a flow: those with a slot in the table, those with storage.
#[derive(Debug)]
pub struct LiveSockets(pub [MapIterator; 2]);

impl LiveSockets {
    /// Goes over every socket that has a flow.
    pub fn hand_over(&self) -> io::Result<()> {
        self.0.iter().try_for_each(MapIterator::run)
    }
}

/// An iterator, attached to a map.
#[derive(Debug)]
pub struct MapIterator {
    link: OwnedFd,
}

impl MapIterator {
    /// Attaches the verified `program` to the entries of `map`.
    pub fn attach(program: BorrowedFd<'_>, map: BorrowedFd<'_>) -> io::Result<Self> {
        let info = IterInfo {
            map_fd: map.as_raw_fd().cast_unsigned(),
            pad: [0; 3],
        };
        let mut create = LinkCreate {
            prog_fd: program.as_raw_fd().cast_unsigned(),
            target_fd: 0,
            attach_type: BPF_TRACE_ITER,
            flags: 0,
            iter_info: &raw const info as u64,
            // Only the map: the union has grown since.
            iter_info_len: u32::try_from(size_of::<u32>()).map_err(io::Error::other)?,
            pad: 0,
        };
        // SAFETY: the attributes are what the command reads, and point to what lives during it.
        let link = unsafe { bpf::call(BPF_LINK_CREATE, &mut create) }?;
        Ok(Self {
            // SAFETY: a descriptor fresh from the kernel, nobody else's.
            link: unsafe { OwnedFd::from_raw_fd(link) },
        })
    }

    /// Goes over every entry. Three system calls, and one for each further million entries.
    fn run(&self) -> io::Result<()> {
        let mut create = IterCreate {
            link_fd: self.link.as_fd().as_raw_fd().cast_unsigned(),
            flags: 0,
        };
        // SAFETY: the attributes are what the command reads.
        let iterator = unsafe { bpf::call(BPF_ITER_CREATE, &mut create) }?;
        // SAFETY: a descriptor fresh from the kernel, nobody else's.
        open_sockets::read_to_end(unsafe { File::from_raw_fd(iterator) })
    }
}
