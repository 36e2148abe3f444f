//! Records: what happened once, sent through the ring.
//!
//! Each starts with a [`Header`] whose `kind` says which struct follows.

use core::mem::{offset_of, size_of};

use crate::flow::COMM_LEN;

/// [`Exec`]: a process runs another program.
pub const KIND_EXEC: u32 = 1;
/// [`Fork`]: a process was made.
pub const KIND_FORK: u32 = 2;
/// [`Exit`]: a process ended.
pub const KIND_EXIT: u32 = 3;
/// [`Cgroup`]: a cgroup was made.
pub const KIND_CGROUP_MADE: u32 = 4;
/// [`Cgroup`]: a cgroup was removed.
pub const KIND_CGROUP_REMOVED: u32 = 5;

/// Bytes kept of an executable's path; a longer one is cut, its start kept.
pub const PATH_LEN: usize = 256;
/// Bytes kept of a cgroup's path; Kubernetes' longest are under 300.
pub const CGROUP_PATH_LEN: usize = 512;
/// Bytes that most programs' arguments fit in.
pub const SHORT_ARGUMENTS_LEN: usize = 256;
/// Bytes kept of a program's arguments; longer ones are cut, their start kept.
pub const ARGUMENTS_LEN: usize = 4096;

/// What every record starts with.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// One of the `KIND_` constants.
    pub kind: u32,
    /// Thread group id of the process concerned, 0 for a cgroup.
    pub pid: u32,
    /// `CLOCK_MONOTONIC`, nanoseconds.
    pub time: u64,
    /// The cgroup v2 id of that process, or of the cgroup itself.
    pub cgroup: u64,
}

/// Which process: a pid is reused, a pid and the moment it began are not.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Birth {
    /// When the process was made: `CLOCK_BOOTTIME`, nanoseconds.
    pub began: u64,
    /// Its thread group id in its own pid namespace.
    pub inner_pid: u32,
    /// Thread group id of the parent.
    pub parent: u32,
}

/// `sched_process_exec`, after the new program is in place; the arguments follow.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Exec {
    /// Kind [`KIND_EXEC`].
    pub header: Header,
    /// The process.
    pub birth: Birth,
    /// Effective user id.
    pub uid: u32,
    /// Bytes of the arguments, each with a NUL behind it; 0 when they could not be read.
    pub arguments_len: u32,
    /// The new command.
    pub comm: [u8; COMM_LEN],
    /// The path handed to `execve`, NUL-terminated.
    pub path: [u8; PATH_LEN],
}

/// An [`Exec`] with room for `LEN` bytes of arguments.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ExecWith<const LEN: usize> {
    /// All else.
    pub exec: Exec,
    /// The arguments; what lies behind [`Exec::arguments_len`] means nothing.
    pub arguments: [u8; LEN],
}

/// `sched_process_fork`, for a new process, not for a new thread.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Fork {
    /// Kind [`KIND_FORK`]; its pid is the child's.
    pub header: Header,
    /// The child.
    pub birth: Birth,
    /// The child's command, its parent's until it execs.
    pub comm: [u8; COMM_LEN],
}

/// `sched_process_exit`, for the leader of a process.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Exit {
    /// Kind [`KIND_EXIT`].
    pub header: Header,
    /// The process.
    pub birth: Birth,
    /// From its beginning to its end, nanoseconds.
    pub lived: u64,
    /// CPU time of the leader and of the threads that ended before it, nanoseconds.
    pub ran: u64,
    /// `task_struct.exit_code`: signal in the low 7 bits, status in the next byte but one.
    pub code: u32,
    /// Always 0.
    pub pad: u32,
    /// The command.
    pub comm: [u8; COMM_LEN],
}

/// `cgroup_mkdir` or `cgroup_rmdir` in the cgroup v2 hierarchy.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Cgroup {
    /// Kind [`KIND_CGROUP_MADE`] or [`KIND_CGROUP_REMOVED`].
    pub header: Header,
    /// Path from the hierarchy's root, NUL-terminated, cut at its end when longer.
    pub path: [u8; CGROUP_PATH_LEN],
}

const _: () = {
    assert!(size_of::<Header>() == 24);
    assert!(size_of::<Birth>() == 16);
    assert!(size_of::<Exec>() == 24 + 16 + 8 + 16 + PATH_LEN);
    assert!(offset_of!(ExecWith<ARGUMENTS_LEN>, arguments) == size_of::<Exec>());
    assert!(size_of::<Fork>() == 24 + 16 + 16);
    assert!(size_of::<Exit>() == 24 + 16 + 16 + 8 + 16);
    assert!(size_of::<Cgroup>() == 24 + CGROUP_PATH_LEN);
};
