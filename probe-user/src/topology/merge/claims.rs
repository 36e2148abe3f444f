//! Which host, and who on it, holds an address.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

use crate::topology::NodeId;

/// What the hosts say of their addresses.
#[derive(Default)]
pub(super) struct Claims(HashMap<IpAddr, Claim>);

/// What is said of one address.
#[derive(Default)]
struct Claim {
    hosts: BTreeSet<String>,
    /// Containers, several where they share a network namespace.
    nodes: BTreeSet<NodeId>,
    is_host: bool,
}

/// The one host that holds an address, and who on it.
#[derive(PartialEq)]
pub(super) struct Holder<'a> {
    /// The host.
    pub(super) host: &'a str,
    /// Containers that hold it.
    pub(super) nodes: Vec<&'a NodeId>,
    /// It is one of the host's own.
    pub(super) is_host: bool,
}

impl Claims {
    pub(super) fn host(&mut self, address: IpAddr, host: &str) {
        if let Some(claim) = self.claim(address, host) {
            claim.is_host = true;
        }
    }

    pub(super) fn node(&mut self, address: IpAddr, host: &str, id: &NodeId) {
        if let Some(claim) = self.claim(address, host) {
            claim.nodes.insert(id.clone());
        }
    }

    fn claim(&mut self, address: IpAddr, host: &str) -> Option<&mut Claim> {
        let address = address.to_canonical();
        if means_itself(address) {
            return None;
        }
        let claim = self.0.entry(address).or_default();
        claim.hosts.insert(host.to_owned());
        Some(claim)
    }

    /// The one who holds all of `addresses`, of which there must be one at least.
    pub(super) fn holder(&self, addresses: &[IpAddr]) -> Option<Holder<'_>> {
        let mut holders = addresses.iter().map(|address| {
            let claim = self.0.get(&address.to_canonical())?;
            let mut hosts = claim.hosts.iter();
            let (Some(host), None) = (hosts.next(), hosts.next()) else {
                return None;
            };
            Some(Holder {
                host,
                nodes: claim.nodes.iter().collect(),
                is_host: claim.is_host,
            })
        });
        let first = holders.next()??;
        holders
            .all(|holder| holder.as_ref() == Some(&first))
            .then_some(first)
    }
}

impl<'a> Holder<'a> {
    /// Whether traffic with the address may be traffic with the node `id`.
    pub(super) fn may_be(&self, id: &NodeId) -> bool {
        self.is_host || self.nodes.contains(&id)
    }

    /// The host, if nothing is known but that.
    pub(super) fn bare_host(&self) -> Option<&'a str> {
        (self.is_host && self.nodes.is_empty()).then_some(self.host)
    }
}

/// An address that means another machine on each machine, or none.
fn means_itself(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    address.is_loopback() || address.is_unspecified() || link_local
}
