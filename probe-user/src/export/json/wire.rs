//! What the JSON document is made of.

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::{account::Account, ecs::Ecs, health::Health};
use crate::{
    export::Snapshot,
    kernel::losses,
    topology::{self, Seen},
};

/// Who talked to whom, seen from one host or several. Node-link: readers may ignore members that
/// they do not know.
#[derive(Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "probe.graph/v1"))]
pub(in crate::export) struct Graph<'a> {
    /// Name and version of the format: `probe.graph/v1`.
    #[serde(borrow)]
    pub(super) schema: Cow<'a, str>,
    /// The host's name; of a merged graph, all names with commas between.
    #[serde(borrow)]
    pub(super) host: Cow<'a, str>,
    /// The hosts it was seen from; left out when there is one, whose addresses are not known.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub(super) hosts: Vec<Host<'a>>,
    /// When watching began: RFC 3339.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    pub(super) started: String,
    /// When the graph was taken: RFC 3339.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    pub(super) ended: String,
    /// Always true, for node-link readers: an edge has a direction.
    #[serde(default = "yes")]
    pub(super) directed: bool,
    /// Always true, for node-link readers: two nodes may have several edges.
    #[serde(default = "yes")]
    pub(super) multigraph: bool,
    /// Those who talk, by id.
    #[serde(borrow)]
    pub(super) nodes: Vec<Node<'a>>,
    /// Who opened connections to whom, by source, target, protocol and port.
    #[serde(borrow)]
    pub(super) edges: Vec<Edge<'a>>,
    /// What was seen and not kept.
    #[serde(default)]
    pub(super) losses: Losses,
    /// The share of connections that are whole, or of records of processes and cgroups that came,
    /// if that is the smaller one: 1 only if nothing was lost. `account` says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) completeness: Option<f64>,
    /// What became of all connections and records, on the whole host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<Account>,
}

const fn yes() -> bool {
    true
}

/// A host that a graph was seen from.
#[derive(Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Host<'a> {
    /// Its name.
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    /// Its interfaces' addresses, loopback left out: by them the halves of an edge between hosts
    /// find each other.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub(super) addresses: Vec<IpAddr>,
}

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
    pub(super) id: Cow<'a, str>,
    /// What it is.
    pub(super) kind: Kind,
    /// What people call it; a container's has no leading slash.
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    /// A container's image, as it was asked for.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) image: Option<Cow<'a, str>>,
    /// A container's labels.
    #[serde(default)]
    pub(super) labels: Cow<'a, BTreeMap<String, String>>,
    /// A container's cgroup: the inode of its directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cgroup_id: Option<u64>,
    /// The host it is on, in a graph of several.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) host: Option<Cow<'a, str>>,
    /// The networks a container is in.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub(super) networks: Cow<'a, [String]>,
    /// A container's addresses, or an external node's own.
    #[serde(default, skip_serializing_if = "is_empty")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub(super) addresses: Cow<'a, [IpAddr]>,
    /// What an external node's addresses are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<Scope>,
    /// What ECS says of a container it started, or of all that the node stands for.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) ecs: Option<Ecs<'a>>,
    /// How many nodes this one stands for, if it stands for a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) members: Option<u64>,
    /// How often it turned a connection away because the backlog of a TCP port was full, by port;
    /// ports that never did are left out. A client that tries again is counted again.
    #[serde(default, skip_serializing_if = "no_ports")]
    pub(super) backlog_overflows: Cow<'a, BTreeMap<u16, u64>>,
}

fn no_ports(overflows: &BTreeMap<u16, u64>) -> bool {
    overflows.is_empty()
}

fn is_empty<T: Clone>(list: &[T]) -> bool {
    list.is_empty()
}

/// How the source reaches the target.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum Protocol {
    /// Has a port.
    Tcp,
    /// Has a port.
    Udp,
    /// Has a path.
    Unix,
    /// Several, of connections that found no room to be told apart; has neither.
    Other,
}

/// What an edge rests on, strongest first.
#[derive(Clone, Copy, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Join {
    /// Both ends' sequence numbers matched.
    Sequence,
    /// The kernel names the other end of a unix socket.
    Peer,
    /// Addresses and port fit.
    Tuple,
    /// A proxy between them is left out: its command line says to whom it forwards.
    Proxy,
    /// Only one end was seen.
    OneSided,
}

/// Why an edge may not tell all there is to know.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Gap {
    /// An end found the flow table full, and is on an edge to `unknown` as well or instead.
    Map,
    /// The source is on a host that is watched, and its end was not seen.
    SourceUnseen,
    /// The target is on a host that is watched, and its end was not seen.
    TargetUnseen,
    /// An end has no name: no container engine has told it.
    Identity,
    /// An end is a container, and an engine did not answer: its name may be old.
    Engine,
    /// An end is an ECS task that was not described, or whose service is overdue.
    Ecs,
    /// Calls are not counted on this kernel.
    Calls,
    /// Some of its connections stood when watching began: their bytes count from then on.
    Existing,
}

/// One node talks to another on one port. Counts are the source's: it opened the connections.
#[derive(Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::export) struct Edge<'a> {
    /// The id of the node that opened the connections.
    #[serde(borrow)]
    pub(super) source: Cow<'a, str>,
    /// The id of the node that accepted them, or would have.
    #[serde(borrow)]
    pub(super) target: Cow<'a, str>,
    /// How.
    pub(super) protocol: Protocol,
    /// The port the target itself listens on, also behind NAT; of TCP and UDP alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
    /// The path the target listens on, of unix sockets alone.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<Cow<'a, str>>,
    /// Connections that stood when watching began.
    #[serde(default)]
    pub(super) connections_existing: u64,
    /// Connections established since. Of UDP and unix sockets: of a socket, the first datagram to a
    /// peer, or its first call.
    pub(super) connections_opened: u64,
    /// Connections ended; null for what is not TCP, where the kernel does not tell.
    pub(super) connections_closed: Option<u64>,
    /// Connects that failed.
    pub(super) connections_failed: u64,
    /// Payload from source to target, in bytes.
    pub(super) bytes_sent: u64,
    /// Payload from target to source, in bytes.
    pub(super) bytes_received: u64,
    /// The source's send calls that moved payload; null where the kernel cannot tell.
    #[serde(default)]
    pub(super) sends: Option<u64>,
    /// The source's receive calls that moved payload; null where the kernel cannot tell.
    #[serde(default)]
    pub(super) receives: Option<u64>,
    /// How TCP fared; of TCP alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tcp: Option<Health>,
    /// The evidence most of its connections rest on.
    pub(super) join: Join,
    /// How many connections, failed ones included, rest on which evidence.
    #[serde(default)]
    pub(super) joins: BTreeMap<Join, u64>,
    /// Some of its connections with an external node, each by the first sequence number of its
    /// client and that of its server, as 16 hexadecimal digits. The other end's host, if it is
    /// watched, has the same: so merged graphs find both ends behind any NAT.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) halves: Vec<String>,
    /// What it may lack; left out when that is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) gaps: Vec<Gap>,
}

/// What was seen and not kept: all zero means that the graph is whole.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub(super) struct Losses {
    /// Sockets that found the flow table full: their traffic is on edges to `unknown`.
    pub(super) flows_dropped: u64,
    /// Sockets that could not be remembered.
    pub(super) sockets_dropped: u64,
    /// Records that found the ring full.
    pub(super) records_dropped: u64,
    /// Counts that could not be kept.
    pub(super) counts_dropped: u64,
    /// Datagrams whose other end could not be known.
    pub(super) datagrams_dropped: u64,
    /// Name servers' answers, or addresses in them, for which there was no room.
    pub(super) names_dropped: u64,
}

impl<'a> From<&'a Snapshot> for Graph<'a> {
    fn from(snapshot: &'a Snapshot) -> Self {
        let says_more =
            |seen: &[Seen]| seen.len() > 1 || seen.iter().any(|s| !s.addresses.is_empty());
        let hosts = if says_more(&snapshot.seen) {
            snapshot.seen.iter().map(Host::from).collect()
        } else {
            Vec::new()
        };
        Self {
            schema: super::SCHEMA.into(),
            host: snapshot.host().into(),
            hosts,
            started: seconds(snapshot.started),
            ended: seconds(snapshot.ended),
            directed: true,
            multigraph: true,
            nodes: snapshot.graph.nodes().map(Node::from).collect(),
            edges: snapshot
                .graph
                .edges()
                .map(|(source, target, edge)| Edge::new(&source.id, &target.id, edge))
                .collect(),
            losses: snapshot.losses.into(),
            completeness: snapshot.completeness.map(|account| account.share()),
            account: snapshot.completeness.map(Into::into),
        }
    }
}

/// RFC 3339, UTC, whole seconds.
pub(in crate::export) fn seconds(time: jiff::Timestamp) -> String {
    format!("{time:.0}")
}

impl<'a> From<&'a Seen> for Host<'a> {
    fn from(seen: &'a Seen) -> Self {
        Self {
            name: seen.host.as_str().into(),
            addresses: seen.addresses.clone(),
        }
    }
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

impl<'a> Edge<'a> {
    pub(in crate::export) fn new(
        source: &'a topology::NodeId,
        target: &'a topology::NodeId,
        edge: &'a topology::Edge,
    ) -> Self {
        let (counts, counts_calls) = (edge.counts, edge.counts_calls());
        let joins = edge.joins.iter();
        let tcp = matches!(edge.listener, topology::Listener::Tcp(_));
        Self {
            source: source.as_str().into(),
            target: target.as_str().into(),
            protocol: match edge.listener {
                topology::Listener::Tcp(_) => Protocol::Tcp,
                topology::Listener::Udp(_) => Protocol::Udp,
                topology::Listener::Unix(_) => Protocol::Unix,
                topology::Listener::Other => Protocol::Other,
            },
            port: edge.listener.port(),
            path: edge.listener.path().map(Into::into),
            connections_existing: counts.existing,
            connections_opened: counts.opened,
            connections_closed: tcp.then_some(counts.closed),
            connections_failed: counts.failed,
            bytes_sent: counts.bytes_sent,
            bytes_received: counts.bytes_received,
            sends: counts_calls.then_some(counts.sends),
            receives: counts_calls.then_some(counts.receives),
            tcp: tcp.then(|| counts.health.into()),
            join: edge.join().into(),
            joins: joins
                .map(|(join, count)| ((*join).into(), *count))
                .collect(),
            halves: edge
                .halves
                .iter()
                .map(|half| format!("{half:016x}"))
                .collect(),
            gaps: edge.gaps.iter().map(Into::into).collect(),
        }
    }
}

/// The same variants on both sides, there and back.
macro_rules! alike {
    ($($wire:ident: $($variant:ident)*;)*) => {$(
        impl From<topology::$wire> for $wire {
            fn from(value: topology::$wire) -> Self {
                match value { $(topology::$wire::$variant => Self::$variant,)* }
            }
        }

        impl From<$wire> for topology::$wire {
            fn from(value: $wire) -> Self {
                match value { $($wire::$variant => Self::$variant,)* }
            }
        }
    )*};
}

alike! {
    Kind: Container Process Host External Task Service Image;
    Join: Sequence Peer Tuple Proxy OneSided;
    Gap: Map SourceUnseen TargetUnseen Identity Engine Ecs Calls Existing;
    Scope: Public Private LinkLocal Metadata Multicast;
}

impl From<losses::Losses> for Losses {
    fn from(losses: losses::Losses) -> Self {
        Self {
            flows_dropped: losses.flows_dropped,
            sockets_dropped: losses.sockets_dropped,
            records_dropped: losses.records_dropped,
            counts_dropped: losses.counts_dropped,
            datagrams_dropped: losses.datagrams_dropped,
            names_dropped: losses.names_dropped,
        }
    }
}

impl From<Losses> for losses::Losses {
    fn from(losses: Losses) -> Self {
        Self {
            flows_dropped: losses.flows_dropped,
            sockets_dropped: losses.sockets_dropped,
            records_dropped: losses.records_dropped,
            counts_dropped: losses.counts_dropped,
            datagrams_dropped: losses.datagrams_dropped,
            names_dropped: losses.names_dropped,
        }
    }
}
