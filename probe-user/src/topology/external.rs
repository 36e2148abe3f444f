//! Addresses elsewhere, grouped: a server on the internet has thousands of clients.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use thiserror::Error;

use super::{Graph, Kind, Node, NodeId, Scope, group::group};

/// External nodes shown, by default.
pub const MAX_EXTERNALS: usize = 1024;

/// Bits of an IPv6 network, however long those of IPv4 are: a site's smallest.
const NET_V6: u8 = 64;

/// What external nodes are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Externals {
    /// One for each scope.
    Collapse,
    /// One for each address.
    #[default]
    Address,
    /// One for each name: where an address has none, that is the address.
    Name,
    /// One for each IPv4 network of so many bits, and each IPv6 network of 64. The cloud's own
    /// services stay what they are.
    Net(u8),
}

/// Text that is none of them.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("expected collapse, address, name or net/BITS with 0 to 32 bits, such as net/24")]
pub struct NotExternals;

impl FromStr for Externals {
    type Err = NotExternals;

    fn from_str(text: &str) -> Result<Self, NotExternals> {
        match text {
            "collapse" => Ok(Self::Collapse),
            "address" => Ok(Self::Address),
            "name" => Ok(Self::Name),
            _ => {
                let bits = text.strip_prefix("net/").and_then(|bits| bits.parse().ok());
                let bits = bits.filter(|bits| u32::from(*bits) <= Ipv4Addr::BITS);
                bits.map(Self::Net).ok_or(NotExternals)
            }
        }
    }
}

impl fmt::Display for Externals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collapse => f.write_str("collapse"),
            Self::Address => f.write_str("address"),
            Self::Name => f.write_str("name"),
            Self::Net(bits) => write!(f, "net/{bits}"),
        }
    }
}

impl Externals {
    /// The node that an external one is folded into; `None` if it stays what it is.
    pub(super) fn group(self, node: &Node) -> Option<Node> {
        if node.kind != Kind::External {
            return None;
        }
        let name = match self {
            Self::Address => return None,
            Self::Collapse => node.scope?.as_str().to_owned(),
            Self::Name if node.name == node.id.own() => return None,
            Self::Name => node.name.clone(),
            Self::Net(_) if node.scope == Some(Scope::Metadata) => return None,
            Self::Net(bits) => match node.addresses[..] {
                [address] => net(address, bits),
                _ => return None,
            },
        };
        Some(Node {
            name: name.clone(),
            ..group(Kind::External, &name, node)
        })
    }
}

/// The network, as in `192.0.2.0/24`.
fn net(address: IpAddr, bits: u8) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            format!("{}/{bits}", Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX << (128 - u32::from(NET_V6));
            format!("{}/{NET_V6}", Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

impl Graph {
    /// The graph with at most `most` external nodes: those with the most traffic, and one for all
    /// the others.
    #[must_use]
    pub(super) fn bounded(self, most: usize) -> Self {
        let externals = self.nodes().filter(|node| node.kind == Kind::External);
        let mut traffic: HashMap<&NodeId, (u64, u64)> =
            externals.map(|node| (&node.id, (0, 0))).collect();
        if traffic.len() <= most {
            return self;
        }
        for (source, target, edge) in self.edges() {
            let counts = edge.counts;
            for id in [&source.id, &target.id] {
                if let Some((bytes, connections)) = traffic.get_mut(id) {
                    let both = counts.bytes_sent.saturating_add(counts.bytes_received);
                    *bytes = bytes.saturating_add(both);
                    *connections = connections.saturating_add(counts.opened);
                }
            }
        }
        let mut busiest: Vec<_> = traffic.into_iter().collect();
        busiest.sort_by(|(a, less), (b, more)| more.cmp(less).then_with(|| a.cmp(b)));
        // One place is for the others.
        let others = busiest.split_off(most.saturating_sub(1));
        let others: HashSet<&NodeId> = others.into_iter().map(|(id, _)| id).collect();
        self.grouped(|node| {
            others.contains(&node.id).then(|| Node {
                name: "other".to_owned(),
                ..group(Kind::External, "other", node)
            })
        })
    }
}

#[cfg(test)]
mod tests;
