//! A flow, as the kernel names it.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use probe_ebpf::flow::{
    FlowKey, PROTOCOL_UDP, PROTOCOL_UNIX, ROLE_CLIENT, ROLE_LISTENER, ROLE_OTHER,
};

use super::records::text;
use crate::ids::{CgroupId, FlowId, NetNs};

/// Which end of a connection a flow is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// It called `connect`, or sent first.
    Client,
    /// It accepted, or received first.
    Server,
    /// It listens; what it accepts is a server's.
    Listener,
    /// All that its cgroup did and that had no room in a flow of its own.
    Other,
}

/// What a server is asked at.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Service {
    /// A TCP port.
    Tcp(u16),
    /// A UDP port.
    Udp(u16),
    /// A unix socket.
    Unix(UnixListener),
    /// Several, of a flow of [`Role::Other`].
    Any,
}

/// A listening unix socket, as both ends of its connections know it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnixListener {
    /// Its own number, while it lives.
    pub id: u64,
    /// Its path as it was bound, `@` first when it is abstract; empty when it is not known.
    pub path: Arc<str>,
}

/// One end of a conversation.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Flow {
    /// The cgroup of the process at this end.
    pub cgroup: CgroupId,
    /// The command of its thread group's leader; empty when not known.
    pub command: String,
    /// Which end it is.
    pub role: Role,
    /// The other end's flow, when both were matched by sequence numbers.
    pub peer: Option<FlowId>,
    /// The network namespace.
    pub netns: NetNs,
    /// This end's address; unspecified for a datagram socket that is bound to none.
    pub local: IpAddr,
    /// The other end's address, as this end sees it; unspecified when it is not known.
    pub remote: IpAddr,
    /// Where the server is asked: its own port, or the one the client asked for.
    pub service: Service,
}

impl Flow {
    /// What takes all that a cgroup does and that has no room in a flow of its own.
    #[must_use]
    pub fn other(cgroup: CgroupId) -> Self {
        Self::new(&FlowKey::other(cgroup.0), |_| "".into())
    }

    /// The flow of `key`; `path` knows the paths of unix sockets by their keys.
    pub(super) fn new(key: &FlowKey, path: impl FnOnce(u64) -> Arc<str>) -> Self {
        let unix = key.protocol == PROTOCOL_UNIX;
        let role = match key.role {
            ROLE_CLIENT => Role::Client,
            ROLE_LISTENER => Role::Listener,
            ROLE_OTHER => Role::Other,
            _ => Role::Server,
        };
        let service = match key.protocol {
            _ if role == Role::Other => Service::Any,
            PROTOCOL_UNIX => {
                let (id, path_key) = halves(key.local);
                Service::Unix(UnixListener {
                    id,
                    path: path(path_key),
                })
            }
            PROTOCOL_UDP => Service::Udp(key.port),
            _ => Service::Tcp(key.port),
        };
        Self {
            cgroup: CgroupId(key.cgroup),
            command: text(&key.comm),
            role,
            peer: (key.peer != 0).then_some(FlowId(key.peer)),
            netns: NetNs(key.netns),
            local: address(if unix { [0; 16] } else { key.local }),
            remote: address(key.remote),
            service,
        }
    }
}

impl Flow {
    /// Where the server is asked, as this end sees it; `None` where there is no such address.
    #[must_use]
    pub fn asked(&self) -> Option<SocketAddr> {
        let (Service::Tcp(port) | Service::Udp(port)) = self.service else {
            return None;
        };
        let address = match self.role {
            Role::Client => self.remote,
            _ => self.local,
        };
        (!address.is_unspecified()).then_some((address, port).into())
    }
}

fn halves(bytes: [u8; 16]) -> (u64, u64) {
    let (mut first, mut second) = ([0; 8], [0; 8]);
    first.copy_from_slice(&bytes[..8]);
    second.copy_from_slice(&bytes[8..]);
    (u64::from_ne_bytes(first), u64::from_ne_bytes(second))
}

/// IPv4 addresses are mapped in the key.
fn address(bytes: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(bytes).to_canonical()
}

/// `sun_path` as people write it: `@` for the zero that an abstract one begins with.
pub(super) fn path_text(path: &[u8]) -> String {
    let (mark, path) = match path {
        [0, rest @ ..] if rest.iter().any(|byte| *byte != 0) => ("@", rest),
        path => ("", path),
    };
    // What is behind the end is zeroes; an abstract one may hold any byte but rarely does.
    let end = path
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    format!("{mark}{}", String::from_utf8_lossy(&path[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_as_people_write_them() {
        assert_eq!(path_text(b"/run/a.sock\0\0\0"), "/run/a.sock");
        assert_eq!(path_text(b"\0bus\0\0"), "@bus");
        assert_eq!(path_text(b"\0\0\0"), "");
    }

    #[test]
    fn a_unix_key_holds_its_listener_and_its_path() {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&7_u64.to_ne_bytes());
        bytes[8..].copy_from_slice(&9_u64.to_ne_bytes());
        assert_eq!(halves(bytes), (7, 9));
    }
}
