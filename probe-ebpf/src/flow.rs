//! Flows: who talks to whom, and how much.
//!
//! A flow is one *end* of a conversation: all connections that one command in one cgroup has, in one
//! role, with one remote address and one service port, or over one listening unix socket. Ephemeral
//! ports are left out on purpose: 20,000 connections a second between two containers are two flows,
//! one for each end.

use core::mem::{offset_of, size_of};

/// Live flows at once, by default; the map's memory is allocated as they come.
pub const MAX_FLOWS: usize = 65_536;

/// The end that called `connect`.
pub const ROLE_CLIENT: u8 = 1;
/// The end that accepted.
pub const ROLE_SERVER: u8 = 2;

/// All the traffic of one cgroup that found the flow map full.
pub const ROLE_OTHER: u8 = 3;
/// A socket that listens.
pub const ROLE_LISTENER: u8 = 4;

/// `IPPROTO_TCP`.
pub const PROTOCOL_TCP: u8 = 6;
/// `IPPROTO_UDP`.
pub const PROTOCOL_UDP: u8 = 17;
/// Unix sockets; IANA keeps this number free.
pub const PROTOCOL_UNIX: u8 = 255;

/// Live `other` flows at once, one a cgroup.
pub const MAX_OTHERS: usize = 4096;
/// Paths of unix sockets that are remembered at once.
pub const MAX_PATHS: usize = 4096;
/// The longest path of a unix socket, `sun_path`, in whole words.
pub const PATH_WORDS: usize = 14;

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
    /// This end's address; IPv4 as `::ffff:a.b.c.d`. Unspecified for a datagram socket that is bound
    /// to none. Of a unix socket, what both ends know of the one that listens: in the first eight
    /// bytes a number of its own, in the others the key of its path.
    pub local: [u8; 16],
    /// The address this end believes it talks to; before DNAT for a client.
    pub remote: [u8; 16],
    /// The command of the process's thread group leader, empty when not known.
    pub comm: [u8; COMM_LEN],
    /// The network namespace's inode number, as in `/proc/PID/ns/net`.
    pub netns: u32,
    /// The service port, host byte order: the remote port of a client, the local one of a server.
    pub port: u16,
    /// [`PROTOCOL_TCP`], [`PROTOCOL_UDP`] or [`PROTOCOL_UNIX`]; 0 for [`ROLE_OTHER`].
    pub protocol: u8,
    /// One of the `ROLE_` constants.
    pub role: u8,
}

impl FlowKey {
    /// The flow that takes what has no room in a flow of its own.
    #[must_use]
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a call in a BPF program costs a stack frame"
    )]
    pub const fn other(cgroup: u64) -> Self {
        Self {
            cgroup,
            peer: 0,
            local: [0; 16],
            remote: [0; 16],
            comm: [0; COMM_LEN],
            netns: 0,
            port: 0,
            protocol: 0,
            role: ROLE_OTHER,
        }
    }
}

/// One flow's counters on one CPU. User space adds the CPUs up; none is ever reset.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FlowCounters {
    // First, for in a slot at hand they are in one cache line with the id.
    /// Send calls that moved payload.
    pub sends: u64,
    /// Receive calls that moved payload; a peek does not.
    pub receives: u64,
    /// Bytes that send calls took.
    pub bytes_sent: u64,
    /// Bytes that receive calls gave.
    pub bytes_received: u64,
    /// Sockets that have joined the flow and will say when they leave: TCP's.
    pub attached: u64,
    /// Sockets that have left it; the flow can end when this equals `attached`.
    pub detached: u64,
    /// Connections that stood when the probe came.
    pub existing: u64,
    /// Connections that reached ESTABLISHED; without connections, sockets' first datagrams to a peer.
    pub opened: u64,
    /// Of both, the ones that have reached CLOSE. TCP only.
    pub closed: u64,
    /// Connects that went from SYN_SENT to CLOSE.
    pub failed: u64,
    /// Of these, with `ECONNREFUSED`.
    pub refused: u64,
    /// With `ETIMEDOUT`.
    pub timed_out: u64,
    /// With `EHOSTUNREACH` or `ENETUNREACH`.
    pub unreachable: u64,
    /// Segments this end has sent again, SYNs included.
    pub retransmits: u64,
    /// Resets this end has sent.
    pub resets_sent: u64,
    /// Resets it has received.
    pub resets_received: u64,
    /// Nanoseconds from `connect` to ESTABLISHED, of all that `opened` here; clients only.
    pub connect_ns: u64,
    /// Nanoseconds from ESTABLISHED to CLOSE, of all connections that did both in sight.
    pub lifetime_ns: u64,
    /// Microseconds: smoothed round trip times, one a connection and tick in which it moved bytes.
    pub rtt_us: u64,
    /// How many of them.
    pub rtt_samples: u64,
    /// Connections a listener had no room for in its backlog.
    pub overflows: u64,
    /// The least round trip the kernel remembers, in microseconds; 0 when there was none.
    pub rtt_min_us: u32,
    /// Thread group id of the latest process to connect or listen in this flow.
    pub last_pid: u32,
}

impl FlowCounters {
    /// Nothing counted.
    pub const NONE: Self = Self {
        sends: 0,
        receives: 0,
        bytes_sent: 0,
        bytes_received: 0,
        attached: 0,
        detached: 0,
        existing: 0,
        opened: 0,
        closed: 0,
        failed: 0,
        refused: 0,
        timed_out: 0,
        unreachable: 0,
        retransmits: 0,
        resets_sent: 0,
        resets_received: 0,
        connect_ns: 0,
        lifetime_ns: 0,
        rtt_us: 0,
        rtt_samples: 0,
        overflows: 0,
        rtt_min_us: 0,
        last_pid: 0,
    };

    /// Adds what was counted elsewhere. Each counter only grows, so sums of later reads are never
    /// smaller.
    pub fn add(&mut self, other: &Self) {
        macro_rules! add {
            ($($counter:ident)*) => { $(self.$counter += other.$counter;)* };
        }
        add!(attached detached existing opened closed failed refused timed_out unreachable);
        add!(sends receives bytes_sent bytes_received retransmits resets_sent resets_received);
        add!(connect_ns lifetime_ns rtt_us rtt_samples overflows);
        self.rtt_min_us = match (self.rtt_min_us, other.rtt_min_us) {
            (0, least) | (least, 0) => least,
            (a, b) => a.min(b),
        };
        self.last_pid = self.last_pid.max(other.last_pid);
    }
}

const _: () = {
    assert!(size_of::<FlowKey>() == 72);
    assert!(offset_of!(FlowKey, comm) == 48);
    assert!(offset_of!(FlowKey, role) == 71);
    assert!(size_of::<FlowCounters>() == 176);
    assert!(offset_of!(FlowCounters, bytes_received) == 24);
    assert!(offset_of!(FlowCounters, last_pid) == 172);
};
