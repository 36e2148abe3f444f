//! Memory to work in: too large for a stack.

use aya_ebpf::{btf_maps::PerCpuArray, macros::btf_map};
use probe_ebpf::file::FileUse;

use crate::file_call::FileCall;

/// What is known of a call on a file.
#[repr(C)]
pub(crate) struct Scratch {
    pub(crate) call: FileCall,
    /// The file's path, as far as it is known; before it zeroes, for who counts.
    pub(crate) file: FileUse,
    /// How far up the path is known: a `struct vfsmount`.
    pub(crate) mount: usize,
    /// A `struct dentry` of it.
    pub(crate) dentry: usize,
    /// One of the `PROTOCOL_` constants of [`probe_ebpf::file`].
    pub(crate) protocol: u64,
}

/// One a CPU will do: programs at the end of system calls do not interrupt each other.
#[btf_map]
static SCRATCH: PerCpuArray<Scratch, 1> = PerCpuArray::new();

/// This CPU's, with what the last program left there.
#[inline(always)]
pub(crate) fn scratch() -> Option<*mut Scratch> {
    SCRATCH.get_ptr_mut(0)
}
