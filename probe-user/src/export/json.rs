//! The graph as node-link JSON, schema `probe.graph/v1`: NetworkX and D3 read it as it is.

use std::{collections::BTreeMap, io};

use serde::Serialize;

use super::Snapshot;
use crate::topology::{Edge, Join, Node};

/// The name and version of the format.
pub const SCHEMA: &str = "probe.graph/v1";

#[derive(Serialize)]
struct WireGraph<'a> {
    schema: &'static str,
    host: &'a str,
    started: String,
    ended: String,
    /// What node-link readers need to tell an edge from an arrow, and two edges from one.
    directed: bool,
    multigraph: bool,
    nodes: Vec<WireNode<'a>>,
    edges: Vec<WireEdge<'a>>,
    losses: WireLosses,
}

#[derive(Serialize)]
struct WireNode<'a> {
    id: &'a str,
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_id: Option<u64>,
}

#[derive(Serialize)]
struct WireEdge<'a> {
    source: &'a str,
    target: &'a str,
    protocol: &'static str,
    port: u16,
    connections_existing: u64,
    connections_opened: u64,
    connections_closed: u64,
    connections_failed: u64,
    bytes_sent: u64,
    bytes_received: u64,
    /// `null` where the kernel cannot tell.
    sends: Option<u64>,
    receives: Option<u64>,
    join: &'static str,
    joins: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct WireLosses {
    flows_dropped: u64,
    sockets_dropped: u64,
    records_dropped: u64,
    counts_dropped: u64,
}

/// Writes one JSON document and a line feed.
pub fn write(snapshot: &Snapshot, out: &mut impl io::Write) -> io::Result<()> {
    let losses = snapshot.losses;
    let graph = WireGraph {
        schema: SCHEMA,
        host: &snapshot.host,
        started: seconds(snapshot.started),
        ended: seconds(snapshot.ended),
        directed: true,
        multigraph: true,
        nodes: snapshot.graph.nodes().into_iter().map(node).collect(),
        edges: snapshot
            .graph
            .edges()
            .into_iter()
            .map(|ends| edge(ends, snapshot.counts_calls))
            .collect(),
        losses: WireLosses {
            flows_dropped: losses.flows_dropped,
            sockets_dropped: losses.sockets_dropped,
            records_dropped: losses.records_dropped,
            counts_dropped: losses.counts_dropped,
        },
    };
    serde_json::to_writer_pretty(&mut *out, &graph)?;
    writeln!(out)
}

/// RFC 3339, UTC, whole seconds.
fn seconds(time: jiff::Timestamp) -> String {
    format!("{time:.0}")
}

fn node(node: &Node) -> WireNode<'_> {
    WireNode {
        id: node.id.as_str(),
        kind: node.kind.as_str(),
        name: &node.name,
        image: node.image.as_deref(),
        labels: &node.labels,
        cgroup_id: node.cgroup.map(|id| id.0),
    }
}

fn edge<'a>(
    (source, target, edge): (&'a Node, &'a Node, &'a Edge),
    counts_calls: bool,
) -> WireEdge<'a> {
    let counts = edge.counts;
    WireEdge {
        source: source.id.as_str(),
        target: target.id.as_str(),
        protocol: "tcp",
        port: edge.port,
        connections_existing: counts.existing,
        connections_opened: counts.opened,
        connections_closed: counts.closed,
        connections_failed: counts.failed,
        bytes_sent: counts.bytes_sent,
        bytes_received: counts.bytes_received,
        sends: counts_calls.then_some(counts.sends),
        receives: counts_calls.then_some(counts.receives),
        join: edge.join().as_str(),
        joins: edge
            .joins
            .iter()
            .map(|(join, connections): (&Join, &u64)| (join.as_str(), *connections))
            .collect(),
    }
}
