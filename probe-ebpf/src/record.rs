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
/// [`OomKill`]: the kernel had no memory left, and kills a process.
pub const KIND_OOM_KILL: u32 = 6;
/// [`Connection`]: a connect succeeded.
pub const KIND_CONNECT: u32 = 7;
/// [`Connection`]: a connect failed.
pub const KIND_CONNECT_FAILED: u32 = 8;
/// [`Connection`]: a listener has one more.
pub const KIND_ACCEPT: u32 = 9;
/// [`Connection`]: it stood, and does not any more.
pub const KIND_CLOSE: u32 = 10;

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

/// `mark_victim`: who is to die.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OomKill {
    /// Kind [`KIND_OOM_KILL`]. Where the kernel names the victim by its thread id alone, that is the
    /// pid, and the cgroup is 0.
    pub header: Header,
    /// The command; empty where it is not known.
    pub comm: [u8; COMM_LEN],
}

/// What became of one end of a TCP connection. The header's process is who called `connect` or
/// `listen`, 0 when not known; its cgroup is the one that the socket was made in.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// One of the kinds from [`KIND_CONNECT`] to [`KIND_CLOSE`].
    pub header: Header,
    /// The end's own address, IPv4 mapped into IPv6.
    pub local: [u8; 16],
    /// The other end's.
    pub remote: [u8; 16],
    /// Of a connect, since it was asked for; of a close, since it was established: nanoseconds, 0
    /// when that was not seen.
    pub took: u64,
    /// Of a close, bytes that send calls took.
    pub sent: u64,
    /// Of a close, bytes that receive calls gave.
    pub received: u64,
    /// The process's command.
    pub comm: [u8; COMM_LEN],
    /// The network namespace's inode number.
    pub netns: u32,
    /// Of a connect that failed, why; 0 when the socket does not tell.
    pub errno: u32,
    /// In host byte order.
    pub local_port: u16,
    /// In host byte order.
    pub remote_port: u16,
    /// 1 for the end that called `connect`.
    pub active: u32,
}

const _: () = {
    assert!(size_of::<Header>() == 24);
    assert!(size_of::<Birth>() == 16);
    assert!(size_of::<Exec>() == 24 + 16 + 8 + 16 + PATH_LEN);
    assert!(offset_of!(ExecWith<ARGUMENTS_LEN>, arguments) == size_of::<Exec>());
    assert!(size_of::<Fork>() == 24 + 16 + 16);
    assert!(size_of::<Exit>() == 24 + 16 + 16 + 8 + 16);
    assert!(size_of::<Cgroup>() == 24 + CGROUP_PATH_LEN);
    assert!(size_of::<OomKill>() == 24 + 16);
    assert!(size_of::<Connection>() == 24 + 32 + 24 + 16 + 16);
    assert!(offset_of!(Connection, active) == 108);
};
