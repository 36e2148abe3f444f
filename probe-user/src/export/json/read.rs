//! Reads a document back.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::Deserialize;
use thiserror::Error;

use super::{SCHEMA, wire};
use crate::{
    export::Snapshot,
    ids::CgroupId,
    kernel::{flows::Counts, halves::Halves},
    topology::{
        Edge, Gap, Gaps, Graph, Join, Kind, Listener, Node, NodeId, Scope, Seen, graph::GraphError,
    },
};

/// Why a document is no graph.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It is no JSON, or lacks something.
    #[error("it is no graph in JSON")]
    Json(#[source] serde_json::Error),
    /// It is of another kind, or of a version to come.
    #[error("its schema is {0:?}, and only {SCHEMA:?} can be read")]
    Schema(String),
    /// A time is none.
    #[error("{text:?} is no time in RFC 3339")]
    Time {
        /// What stands there.
        text: String,
        /// What is wrong with it.
        source: jiff::Error,
    },
    /// An edge does not say where its target listens.
    #[error("the edge from {from:?} to {to:?} has no {missing}")]
    Listener {
        /// Its source.
        from: String,
        /// Its target.
        to: String,
        /// What its protocol calls for.
        missing: &'static str,
    },
    /// A connection is not 16 hexadecimal digits.
    #[error("{0:?} is no pair of sequence numbers: 16 hexadecimal digits")]
    Half(String),
    /// Its parts do not fit together.
    #[error("its parts do not fit together")]
    Graph(#[source] GraphError),
}

/// What tells one schema from another.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

/// The snapshot that `json` holds.
pub fn read(json: &str) -> Result<Snapshot, ReadError> {
    // First of all: a document of another kind lacks much that this one has.
    let Head { schema } = serde_json::from_str(json).map_err(ReadError::Json)?;
    if schema != SCHEMA {
        return Err(ReadError::Schema(schema));
    }
    let wire: wire::Graph<'_> = serde_json::from_str(json).map_err(ReadError::Json)?;
    let edges: Vec<_> = wire.edges.into_iter().map(edge).collect::<Result<_, _>>()?;
    let nodes = wire.nodes.into_iter().map(node).collect();
    Ok(Snapshot {
        started: time(&wire.started)?,
        ended: time(&wire.ended)?,
        seen: seen(&wire.host, wire.hosts),
        graph: Arc::new(Graph::with_edges(nodes, edges).map_err(ReadError::Graph)?),
        losses: wire.losses.into(),
        completeness: wire.account.map(Into::into),
    })
}

fn time(text: &str) -> Result<Timestamp, ReadError> {
    text.parse().map_err(|source| ReadError::Time {
        text: text.to_owned(),
        source,
    })
}

fn seen(host: &str, hosts: Vec<wire::Host<'_>>) -> Vec<Seen> {
    if hosts.is_empty() {
        return vec![Seen {
            host: host.to_owned(),
            addresses: Vec::new(),
        }];
    }
    let seen = |host: wire::Host<'_>| Seen {
        host: host.name.into_owned(),
        addresses: host.addresses,
    };
    hosts.into_iter().map(seen).collect()
}

fn node(wire: wire::Node<'_>) -> Node {
    let kind = Kind::from(wire.kind);
    let mut addresses = wire.addresses.into_owned();
    // Before nodes had addresses, that of an external one was its name.
    if kind == Kind::External && addresses.is_empty() {
        addresses.extend(wire.name.parse::<std::net::IpAddr>());
    }
    // Nor had they a scope.
    let scope = match (kind, &addresses[..]) {
        (Kind::External, [address]) => Some(Scope::of(*address)),
        _ => wire.scope.map(Into::into),
    };
    Node {
        id: NodeId::new(&wire.id),
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

/// A connection's both first sequence numbers.
fn number(half: &str) -> Result<u64, ReadError> {
    let digits = Some(half).filter(|half| half.len() == 16 && !half.starts_with('+'));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| ReadError::Half(half.to_owned()))
}

fn edge(wire: wire::Edge<'_>) -> Result<(NodeId, NodeId, Edge), ReadError> {
    let listener = match (wire.protocol, wire.port, &wire.path) {
        (wire::Protocol::Tcp, Some(port), _) => Listener::Tcp(port),
        (wire::Protocol::Udp, Some(port), _) => Listener::Udp(port),
        (wire::Protocol::Unix, _, Some(path)) => Listener::Unix(path.as_ref().into()),
        (wire::Protocol::Other, ..) => Listener::Other,
        (protocol, ..) => {
            return Err(ReadError::Listener {
                from: wire.source.into_owned(),
                to: wire.target.into_owned(),
                missing: match protocol {
                    wire::Protocol::Unix => "path",
                    _ => "port",
                },
            });
        }
    };
    let counts = Counts {
        existing: wire.connections_existing,
        opened: wire.connections_opened,
        closed: wire.connections_closed.unwrap_or_default(),
        failed: wire.connections_failed,
        sends: wire.sends.unwrap_or_default(),
        receives: wire.receives.unwrap_or_default(),
        bytes_sent: wire.bytes_sent,
        bytes_received: wire.bytes_received,
        health: wire.tcp.unwrap_or_default().into(),
    };
    let mut joins: BTreeMap<Join, u64> = BTreeMap::new();
    for (join, connections) in wire.joins {
        joins.insert(join.into(), connections);
    }
    // A document that does not count evidence still names it.
    if joins.is_empty() {
        let connections = counts.existing.saturating_add(counts.opened);
        joins.insert(wire.join.into(), connections.saturating_add(counts.failed));
    }
    let mut gaps: Gaps = wire.gaps.into_iter().map(Gap::from).collect();
    if wire.sends.is_none() {
        gaps |= Gap::Calls.into();
    }
    let halves = wire.halves.iter().map(|half| number(half));
    let edge = Edge {
        listener,
        counts,
        joins,
        halves: Halves::of(halves.collect::<Result<Vec<_>, _>>()?),
        gaps,
    };
    let [source, target] = [wire.source, wire.target].map(|id| NodeId::new(&id));
    Ok((source, target, edge))
}
