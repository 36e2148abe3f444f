//! What changed, as JSON, schema `probe.delta/v1`: nodes and edges as `probe.graph/v1` has them.

use std::io;

use serde::Serialize;

use super::{
    Snapshot,
    json::{edge::Edge, node::Node, wire::seconds},
};
use crate::topology::{Delta, delta::Changes};

/// The name and version of the format.
pub const SCHEMA: &str = "probe.delta/v1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    before: Head,
    after: Head,
    nodes: Wire<Node<'a>>,
    edges: Wire<Edge<'a>>,
}

/// Which graphs were compared.
#[derive(Serialize)]
struct Head {
    host: String,
    started: String,
    ended: String,
}

#[derive(Serialize)]
struct Wire<T> {
    added: Vec<T>,
    removed: Vec<T>,
    changed: Vec<Pair<T>>,
}

#[derive(Serialize)]
struct Pair<T> {
    before: T,
    after: T,
}

/// Writes one JSON document and a line feed.
pub fn write(
    delta: &Delta,
    before: &Snapshot,
    after: &Snapshot,
    out: &mut impl io::Write,
) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &document(delta, before, after))?;
    writeln!(out)
}

/// The same on one line, without a line feed.
pub fn write_line(
    delta: &Delta,
    before: &Snapshot,
    after: &Snapshot,
    out: &mut impl io::Write,
) -> io::Result<()> {
    Ok(serde_json::to_writer(out, &document(delta, before, after))?)
}

fn document<'a>(delta: &'a Delta, before: &Snapshot, after: &Snapshot) -> Document<'a> {
    Document {
        schema: SCHEMA,
        before: head(before),
        after: head(after),
        nodes: wire(&delta.nodes, |_, node| Node::from(node)),
        edges: wire(&delta.edges, |key, edge| {
            Edge::new(&key.source, &key.target, edge)
        }),
    }
}

fn head(snapshot: &Snapshot) -> Head {
    Head {
        host: snapshot.host(),
        started: seconds(snapshot.started),
        ended: seconds(snapshot.ended),
    }
}

fn wire<'a, K, V, T>(changes: &'a Changes<K, V>, of: impl Fn(&'a K, &'a V) -> T) -> Wire<T> {
    let list = |list: &'a [(K, V)]| list.iter().map(|(key, value)| of(key, value)).collect();
    let pairs = changes.changed.iter().map(|(key, before, after)| Pair {
        before: of(key, before),
        after: of(key, after),
    });
    Wire {
        added: list(&changes.added),
        removed: list(&changes.removed),
        changed: pairs.collect(),
    }
}
