//! What a server listens on.

use std::{fmt, sync::Arc};

use crate::kernel::flows::Service;

/// What the target of an edge listens on: the target's own, also behind NAT.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Listener {
    /// A TCP port.
    Tcp(u16),
    /// A UDP port.
    Udp(u16),
    /// A unix socket's path, `@` first when it is abstract.
    Unix(Arc<str>),
    /// Several: what found no room to be told apart.
    Other,
}

impl From<&Service> for Listener {
    fn from(service: &Service) -> Self {
        match service {
            Service::Tcp(port) => Self::Tcp(*port),
            Service::Udp(port) => Self::Udp(*port),
            Service::Unix(listener) => Self::Unix(Arc::clone(&listener.path)),
            Service::Any => Self::Other,
        }
    }
}

impl Listener {
    /// The protocol, as every output writes it.
    #[must_use]
    pub const fn protocol(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            Self::Udp(_) => "udp",
            Self::Unix(_) => "unix",
            Self::Other => "other",
        }
    }

    /// The port, of protocols that have one.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(port) | Self::Udp(port) => Some(*port),
            Self::Unix(_) | Self::Other => None,
        }
    }

    /// The path of a unix socket.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Unix(path) => Some(path),
            Self::Tcp(_) | Self::Udp(_) | Self::Other => None,
        }
    }
}

/// `80`, `53/udp`, a path or `*`: TCP is what people mean by a bare port.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(port) => port.fmt(f),
            Self::Udp(port) => write!(f, "{port}/udp"),
            Self::Unix(path) => f.write_str(path),
            Self::Other => f.write_str("*"),
        }
    }
}
