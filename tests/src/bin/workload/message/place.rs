//! Where messages go.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use rustix::net::{
    AddressFamily, Protocol, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType, ipproto,
    socket_with,
};

/// `udp:PORT`, `udp:ADDRESS:PORT`, `sctp:` likewise, or `stream:NAME`, `seqpacket:NAME` or
/// `dgram:NAME` for an abstract unix socket, which whoever shares the network namespace can reach.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    family: AddressFamily,
    pub(super) kind: SocketType,
    protocol: Option<Protocol>,
    pub(super) address: SocketAddrAny,
}

impl FromStr for Place {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, name) = text.split_once(':').context("a place is KIND:NAME")?;
        match kind {
            "udp" => Self::at(SocketType::DGRAM, None, name),
            "sctp" => Self::at(SocketType::STREAM, Some(ipproto::SCTP), name),
            "stream" => Self::named(SocketType::STREAM, name),
            "seqpacket" => Self::named(SocketType::SEQPACKET, name),
            "dgram" => Self::named(SocketType::DGRAM, name),
            kind => bail!("no such kind of socket: {kind}"),
        }
    }
}

impl Place {
    /// Without an address every one of IPv4's.
    fn at(kind: SocketType, protocol: Option<Protocol>, place: &str) -> Result<Self> {
        let everywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let address = place.parse::<SocketAddr>();
        let address = address.or_else(|_| place.parse().map(everywhere))?;
        let family = if address.is_ipv4() {
            AddressFamily::INET
        } else {
            AddressFamily::INET6
        };
        Ok(Self {
            family,
            kind,
            protocol,
            address: address.into(),
        })
    }

    fn named(kind: SocketType, name: &str) -> Result<Self> {
        Ok(Self {
            family: AddressFamily::UNIX,
            kind,
            protocol: None,
            address: SocketAddrUnix::new_abstract_name(name.as_bytes())?.into(),
        })
    }

    pub(super) fn is_udp(&self) -> bool {
        self.family != AddressFamily::UNIX && self.kind == SocketType::DGRAM
    }

    pub(super) fn socket(&self) -> Result<OwnedFd> {
        let flags = SocketFlags::CLOEXEC;
        socket_with(self.family, self.kind, flags, self.protocol).context("cannot make a socket")
    }
}
