//! Flows: who talks to whom, and how much.
//!
//! A flow is one *end* of a conversation: all TCP connections that one command in one cgroup has,
//! in one role, with one remote address and one service port. Ephemeral ports are left out on
//! purpose: 20,000 connections a second between two containers are two flows, one for each end.

use core::mem::{offset_of, size_of};

/// Live flows at once, by default; the map's memory is allocated as they come.
pub const MAX_FLOWS: usize = 65_536;

/// The end that called `connect`.
pub const ROLE_CLIENT: u8 = 1;
/// The end that accepted.
pub const ROLE_SERVER: u8 = 2;

/// The length of the kernel's `TASK_COMM_LEN`: a command's name, NUL-padded.
pub const COMM_LEN: usize = 16;

/// What makes two connections the same flow. Map key: every byte counts, padding included.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FlowKey {
    /// The cgroup v2 id (inode of its directory) of the process at this end.
    pub cgroup: u64,
    /// The flow id of the other end when it is on this host and both ends were matched by
    /// sequence numbers; 0 when not. Only server ends carry it: the client's half comes first.
    pub peer: u64,
    /// This end's address; IPv4 as `::ffff:a.b.c.d`.
    pub local: [u8; 16],
    /// The address this end believes it talks to; before DNAT for a client.
    pub remote: [u8; 16],
    /// The command of the process's thread group leader, empty when not known.
    pub comm: [u8; COMM_LEN],
    /// The network namespace's inode number, as in `/proc/PID/ns/net`.
    pub netns: u32,
    /// The service port, host byte order: the remote port of a client, the local one of a server.
    pub port: u16,
    /// `IPPROTO_TCP`; room for what else has flows.
    pub protocol: u8,
    /// [`ROLE_CLIENT`] or [`ROLE_SERVER`].
    pub role: u8,
}

/// One flow's counters on one CPU. User space adds the CPUs up; none is ever reset.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FlowCounters {
    /// Sockets that have joined the flow.
    pub attached: u64,
    /// Sockets that have left it; the flow can end when this equals `attached`.
    pub detached: u64,
    /// Connections that stood when the probe came.
    pub existing: u64,
    /// Connections that reached ESTABLISHED.
    pub opened: u64,
    /// Of both, the ones that have reached CLOSE.
    pub closed: u64,
    /// Connects that went from SYN_SENT to CLOSE.
    pub failed: u64,
    /// Send calls that moved payload.
    pub sends: u64,
    /// Receive calls that moved payload; a peek does not.
    pub receives: u64,
    /// Bytes that send calls took.
    pub bytes_sent: u64,
    /// Bytes that receive calls gave.
    pub bytes_received: u64,
    /// `errno` of the latest failed connect, 0 when the socket had none.
    pub last_error: u32,
    /// Thread group id of the latest process to connect or listen in this flow.
    pub last_pid: u32,
}

/// What each end of a connection knows: the other end knows the same, swapped.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Half {
    /// The sequence number of the first byte this end sends.
    pub first_sent: u32,
    /// That of the first byte it receives.
    pub first_received: u32,
}

impl Half {
    /// The same connection, seen from its other end.
    #[must_use]
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a call in a BPF program costs a stack frame"
    )]
    pub const fn swapped(self) -> Self {
        Self {
            first_sent: self.first_received,
            first_received: self.first_sent,
        }
    }
}

const _: () = {
    assert!(size_of::<FlowKey>() == 72);
    assert!(offset_of!(FlowKey, comm) == 48);
    assert!(offset_of!(FlowKey, role) == 71);
    assert!(size_of::<FlowCounters>() == 88);
    assert!(offset_of!(FlowCounters, last_error) == 80);
    assert!(size_of::<Half>() == 8);
};
