//! Runs of programs that the kernel has left out.
//!
//! A program at a tracepoint or a function does not run while it is being run on the same CPU: what
//! comes in an interrupt at that moment passes it by. The kernel counts these runs for each program.

use std::{
    io,
    mem::{offset_of, size_of},
    os::fd::{AsRawFd as _, BorrowedFd},
};

use super::bpf;

const BPF_OBJ_GET_INFO_BY_FD: libc::c_int = 15;

/// The `info` member of `union bpf_attr`.
#[repr(C)]
struct Attributes {
    fd: u32,
    info_len: u32,
    info: u64,
}

/// `struct bpf_prog_info` of include/uapi/linux/bpf.h, as far as it is read.
#[repr(C)]
struct ProgramInfo {
    /// From `type` to `run_cnt`: all that is asked for, which is nothing.
    before: [u64; 26],
    /// Since 5.12.
    recursion_misses: u64,
}

const LENGTH: u32 = 216;
const _: () = {
    assert!(offset_of!(ProgramInfo, recursion_misses) == 208);
    assert!(size_of::<ProgramInfo>() == LENGTH as usize);
};

/// How many runs of `program` the kernel has left out so far.
pub(super) fn runs_missed(program: BorrowedFd<'_>) -> io::Result<u64> {
    let mut info = ProgramInfo {
        before: [0; 26],
        recursion_misses: 0,
    };
    let mut attributes = Attributes {
        fd: program.as_raw_fd().cast_unsigned(),
        info_len: LENGTH,
        info: &raw mut info as u64,
    };
    // SAFETY: the attributes point to as much room as they say, alive during the call; lengths of
    // zero within it ask for no further writes.
    unsafe { bpf::call(BPF_OBJ_GET_INFO_BY_FD, &mut attributes) }?;
    Ok(info.recursion_misses)
}
