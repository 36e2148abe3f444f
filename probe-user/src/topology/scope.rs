//! What an address elsewhere is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whom an address may belong to.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    /// Anybody.
    Public,
    /// A network of somebody's own: RFC 1918, 4193, and 6598, which clouds use inside.
    Private,
    /// This machine and its neighbours.
    LinkLocal,
    /// The cloud itself, which answers every instance and container there.
    Metadata,
    /// Whoever listens.
    Multicast,
}

/// Where clouds tell an instance, or a container, about itself: AWS's instance metadata (GCP's and
/// Azure's too), the same by IPv6, and ECS's task metadata and credentials.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
];

impl Scope {
    /// The address's. Loopback never leaves the machine, and counts as its neighbourhood.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        if METADATA.contains(&address) {
            return Self::Metadata;
        }
        match address {
            _ if address.is_multicast() => Self::Multicast,
            _ if address.is_loopback() || address.is_unspecified() => Self::LinkLocal,
            IpAddr::V4(v4) if v4.is_broadcast() => Self::Multicast,
            IpAddr::V4(v4) if v4.is_link_local() => Self::LinkLocal,
            IpAddr::V4(v4) if v4.is_private() || is_shared(v4) => Self::Private,
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Self::LinkLocal,
            IpAddr::V6(v6) if v6.is_unique_local() => Self::Private,
            _ => Self::Public,
        }
    }

    /// The word that stands for it in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::Metadata => "metadata",
            Self::Multicast => "multicast",
        }
    }
}

/// 100.64.0.0/10, RFC 6598.
const fn is_shared(v4: Ipv4Addr) -> bool {
    let [a, b, ..] = v4.octets();
    a == 100 && b & 0xc0 == 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_told_apart() {
        for (scope, addresses) in [
            (
                Scope::Public,
                &["8.8.8.8", "100.128.0.1", "172.32.0.1", "2001:db8::1"][..],
            ),
            (
                Scope::Private,
                &[
                    "10.0.0.1",
                    "172.16.0.1",
                    "192.168.1.1",
                    "100.64.0.1",
                    "fd12::1",
                    "::ffff:10.0.0.1",
                ],
            ),
            (
                Scope::LinkLocal,
                &[
                    "169.254.1.1",
                    "169.254.169.253",
                    "fe80::1",
                    "127.0.0.1",
                    "::1",
                ],
            ),
            (
                Scope::Metadata,
                &[
                    "169.254.169.254",
                    "fd00:ec2::254",
                    "169.254.170.2",
                    "::ffff:169.254.169.254",
                ],
            ),
            (
                Scope::Multicast,
                &["224.0.0.1", "ff02::1", "255.255.255.255"],
            ),
        ] {
            for address in addresses {
                assert_eq!(Scope::of(address.parse().unwrap()), scope, "{address}");
            }
        }
    }
}
