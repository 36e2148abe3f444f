//! Connections one by one, for who asked for them.

use std::{net::Ipv6Addr, net::SocketAddr, time::Duration};

use probe_ebpf::{
    message::Wanted,
    record::{self as abi, KIND_ACCEPT, KIND_CLOSE, KIND_CONNECT, KIND_CONNECT_FAILED},
};

use crate::ids::{NetNs, Pid};

/// Which connections' records are wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Watch {
    /// Bytes of their ring, a power of two. When it is full, records are lost, and counted.
    pub ring: u32,
    /// Of what.
    pub kinds: Kinds,
    /// Whose.
    pub wanted: Wanted,
}

/// Kinds of records, a bit each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Kinds(pub u32);

impl Kinds {
    /// Connects that succeed.
    pub const CONNECT: Self = Self(1 << KIND_CONNECT);
    /// Connects that fail.
    pub const CONNECT_FAILED: Self = Self(1 << KIND_CONNECT_FAILED);
    /// What listeners accept.
    pub const ACCEPT: Self = Self(1 << KIND_ACCEPT);
    /// Ends.
    pub const CLOSE: Self = Self(1 << KIND_CLOSE);

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of these that are among `other`.
    #[must_use]
    pub const fn among(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What became of one end of a TCP connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Connection {
    /// What.
    pub change: Change,
    /// Who called `connect` or `listen`, if that was seen.
    pub pid: Option<Pid>,
    /// Its command, at most 15 bytes; empty where the process is not known.
    pub command: String,
    /// Whether it is the end that called `connect`.
    pub client: bool,
    /// The end's own address.
    pub local: SocketAddr,
    /// The other end's.
    pub remote: SocketAddr,
    /// The network namespace.
    pub netns: NetNs,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// It was connected.
    Connected {
        /// How long that took, if its beginning was seen.
        took: Option<Duration>,
    },
    /// It could not be connected.
    Failed {
        /// Why; `None` when the socket does not tell, as when it was closed meanwhile.
        errno: Option<u32>,
        /// How long that took.
        took: Option<Duration>,
    },
    /// A listener has it now.
    Accepted,
    /// It stands no more.
    Closed {
        /// How long it stood, if its beginning was seen.
        stood: Option<Duration>,
        /// Bytes that the program's calls sent, since it was made.
        sent: u64,
        /// Bytes that they received.
        received: u64,
    },
}

impl From<&abi::Connection> for Connection {
    /// A kind that is none of its own is an accept: who decodes has looked at it.
    fn from(wire: &abi::Connection) -> Self {
        let time = (wire.took != 0).then(|| Duration::from_nanos(wire.took));
        let address = |ip: [u8; 16], port| SocketAddr::new(Ipv6Addr::from(ip).to_canonical(), port);
        Self {
            change: match wire.header.kind {
                KIND_CONNECT => Change::Connected { took: time },
                KIND_CONNECT_FAILED => Change::Failed {
                    errno: (wire.errno != 0).then_some(wire.errno),
                    took: time,
                },
                KIND_CLOSE => Change::Closed {
                    stood: time,
                    sent: wire.sent,
                    received: wire.received,
                },
                _ => Change::Accepted,
            },
            pid: (wire.header.pid != 0).then_some(Pid(wire.header.pid)),
            command: super::records::text(&wire.comm),
            client: wire.active != 0,
            local: address(wire.local, wire.local_port),
            remote: address(wire.remote, wire.remote_port),
            netns: NetNs(wire.netns),
        }
    }
}
