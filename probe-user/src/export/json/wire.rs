//! The document itself: its head, and what it is made of.

use std::{borrow::Cow, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::{account::Account, edge::Edge, losses::Losses, node::Node};
use crate::{export::Snapshot, topology::Seen};

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
