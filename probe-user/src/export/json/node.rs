//! Who talks, in the document and back.

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::{alike::alike, ecs::Ecs};
use crate::{ids::CgroupId, topology};

/// What a node is.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// A container.
    Container,
    /// Processes of one command, outside containers.
    Process,
    /// A host.
    Host,
    /// An address that is on none of the hosts.
    External,
    /// Containers started together.
    Task,
    /// Tasks that do the same.
    Service,
    /// Containers of one image.
    Image,
}

/// Whom an address elsewhere may belong to.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Scope {
    /// Anybody.
    Public,
    /// A network of somebody's own.
    Private,
    /// The host's neighbours.
    LinkLocal,
    /// The cloud itself, which answers every instance there.
    Metadata,
    /// Whoever listens.
    Multicast,
}

/// One that talks.
#[derive(Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::export) struct Node<'a> {
    /// What tells it apart: its kind, a colon, and what tells it apart within that.
    #[serde(borrow)]
    id: Cow<'a, str>,
    /// What it is.
    kind: Kind,
    /// What people call it; a container's has no leading slash.
    #[serde(borrow)]
    name: Cow<'a, str>,
    /// A container's image, as it was asked for.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    image: Option<Cow<'a, str>>,
    /// A container's labels.
    #[serde(default)]
    labels: Cow<'a, BTreeMap<String, String>>,
    /// A container's cgroup: the inode of its directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cgroup_id: Option<u64>,
    /// The host it is on, in a graph of several.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    host: Option<Cow<'a, str>>,
    /// The networks a container is in.
    #[serde(default, skip_serializing_if = "is_empty")]
    networks: Cow<'a, [String]>,
    /// A container's addresses, or an external node's own.
    #[serde(default, skip_serializing_if = "is_empty")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    addresses: Cow<'a, [IpAddr]>,
    /// What an external node's addresses are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<Scope>,
    /// What ECS says of a container it started, or of all that the node stands for.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    ecs: Option<Ecs<'a>>,
    /// How many nodes this one stands for, if it stands for a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    members: Option<u64>,
    /// How often it turned a connection away because the backlog of a TCP port was full, by port;
    /// ports that never did are left out. A client that tries again is counted again.
    #[serde(default, skip_serializing_if = "no_ports")]
    backlog_overflows: Cow<'a, BTreeMap<u16, u64>>,
}

fn no_ports(overflows: &BTreeMap<u16, u64>) -> bool {
    overflows.is_empty()
}

fn is_empty<T: Clone>(list: &[T]) -> bool {
    list.is_empty()
}

alike! {
    Kind: Container Process Host External Task Service Image;
    Scope: Public Private LinkLocal Metadata Multicast;
}

impl<'a> From<&'a topology::Node> for Node<'a> {
    fn from(node: &'a topology::Node) -> Self {
        Self {
            id: node.id.as_str().into(),
            kind: node.kind.into(),
            name: node.name.as_str().into(),
            image: node.image.as_deref().map(Into::into),
            labels: Cow::Borrowed(&node.labels),
            cgroup_id: node.cgroup.map(|id| id.0),
            host: node.host.as_deref().map(Into::into),
            networks: Cow::Borrowed(&node.networks),
            addresses: Cow::Borrowed(&node.addresses),
            scope: node.scope.map(Into::into),
            ecs: node.ecs.as_ref().map(Ecs::from),
            members: node.members,
            backlog_overflows: Cow::Borrowed(&node.overflows),
        }
    }
}

impl From<Node<'_>> for topology::Node {
    fn from(wire: Node<'_>) -> Self {
        let kind = topology::Kind::from(wire.kind);
        let mut addresses = wire.addresses.into_owned();
        // Before nodes had addresses, that of an external one was its name.
        if kind == topology::Kind::External && addresses.is_empty() {
            addresses.extend(wire.name.parse::<IpAddr>());
        }
        // Nor had they a scope.
        let scope = match (kind, &addresses[..]) {
            (topology::Kind::External, [address]) => Some(topology::Scope::of(*address)),
            _ => wire.scope.map(Into::into),
        };
        Self {
            id: topology::NodeId::new(&wire.id),
            kind,
            name: wire.name.into_owned(),
            image: wire.image.map(Into::into),
            labels: wire.labels.into_owned(),
            cgroup: wire.cgroup_id.map(CgroupId),
            host: wire.host.map(Into::into),
            networks: wire.networks.into_owned(),
            scope,
            ecs: wire.ecs.map(Into::into),
            members: wire.members,
            overflows: wire.backlog_overflows.into_owned(),
            addresses,
        }
    }
}
