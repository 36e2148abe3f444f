//! Records: what happened once, sent through the ring.
//!
//! Each starts with a [`Header`] whose `kind` says which struct follows.

use core::mem::size_of;

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

/// `sched_process_exec`, after the new program is in place.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Exec {
    /// Kind [`KIND_EXEC`].
    pub header: Header,
    /// Thread group id of the parent.
    pub parent: u32,
    /// Effective user id.
    pub uid: u32,
    /// The new command.
    pub comm: [u8; COMM_LEN],
    /// The path handed to `execve`, NUL-terminated.
    pub path: [u8; PATH_LEN],
}

/// `sched_process_fork`, for a new process, not for a new thread.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Fork {
    /// Kind [`KIND_FORK`]; its pid is the child's.
    pub header: Header,
    /// Thread group id of the parent.
    pub parent: u32,
    /// Always 0.
    pub pad: u32,
    /// The child's command, its parent's until it execs.
    pub comm: [u8; COMM_LEN],
}

/// `sched_process_exit`, for the last thread of a process.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Exit {
    /// Kind [`KIND_EXIT`].
    pub header: Header,
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
    assert!(size_of::<Exec>() == 24 + 8 + 16 + PATH_LEN);
    assert!(size_of::<Fork>() == 24 + 8 + 16);
    assert!(size_of::<Exit>() == 24 + 8 + 16);
    assert!(size_of::<Cgroup>() == 24 + CGROUP_PATH_LEN);
};
