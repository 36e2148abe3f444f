//! The graph, one moment's.

use std::collections::{BTreeMap, HashMap};

use petgraph::{
    graph::NodeIndex,
    stable_graph::{EdgeIndex, StableDiGraph},
    visit::{EdgeRef as _, IntoEdgeReferences as _},
};

use super::{
    join::{Conversation, Join},
    node::{Node, NodeId},
};
use crate::{identity::Workload, kernel::flows::Counts};

/// One node talks to another on one port.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// The listening port of the target itself.
    pub port: u16,
    /// What was counted, as the source sees it: it opened the connections, and sent to the target.
    pub counts: Counts,
    /// How many connections, failed ones included, rest on which evidence.
    pub joins: BTreeMap<Join, u64>,
}

impl Edge {
    /// The evidence that most of its connections rest on; the stronger one when even.
    #[must_use]
    pub fn join(&self) -> Join {
        self.joins
            .iter()
            .max_by_key(|(join, connections)| (**connections, std::cmp::Reverse(**join)))
            .map_or(Join::OneSided, |(join, _)| *join)
    }
}

/// What tells edges apart.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EdgeKey {
    /// Who opened the connections.
    pub source: NodeId,
    /// Who accepted them.
    pub target: NodeId,
    /// On which port.
    pub port: u16,
}

/// Who talks to whom.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    graph: StableDiGraph<Node, Edge>,
    nodes: HashMap<NodeId, NodeIndex>,
    edges: HashMap<(NodeIndex, NodeIndex, u16), EdgeIndex>,
}

impl Graph {
    /// Adds up conversations between the same two nodes on the same port. `host` is this host's
    /// name.
    #[must_use]
    pub fn of(conversations: &[Conversation], host: &str) -> Self {
        let mut graph = Self::default();
        for conversation in conversations {
            let source = graph.node(&conversation.source, host);
            let target = graph.node(&conversation.target, host);
            graph.add(source, target, conversation);
        }
        graph
    }

    fn node(&mut self, workload: &Workload, host: &str) -> NodeIndex {
        let node = Node::of(workload, host);
        let graph = &mut self.graph;
        *self
            .nodes
            .entry(node.id.clone())
            .or_insert_with(|| graph.add_node(node))
    }

    fn add(&mut self, source: NodeIndex, target: NodeIndex, conversation: &Conversation) {
        let graph = &mut self.graph;
        let index = *self
            .edges
            .entry((source, target, conversation.port))
            .or_insert_with(|| {
                graph.add_edge(
                    source,
                    target,
                    Edge {
                        port: conversation.port,
                        counts: Counts::default(),
                        joins: BTreeMap::new(),
                    },
                )
            });
        let edge = &mut graph[index];
        edge.counts += conversation.counts;
        let connections = conversation.counts.connections();
        *edge.joins.entry(conversation.join).or_default() += connections;
    }

    /// All nodes, by id.
    #[must_use]
    pub fn nodes(&self) -> Vec<&Node> {
        let mut nodes: Vec<_> = self.graph.node_weights().collect();
        nodes.sort_by(|a, b| a.id.cmp(&b.id));
        nodes
    }

    /// All edges with their ends, by source, target and port.
    #[must_use]
    pub fn edges(&self) -> Vec<(&Node, &Node, &Edge)> {
        let mut edges: Vec<_> = self
            .graph
            .edge_references()
            .map(|edge| {
                let (source, target) = (edge.source(), edge.target());
                (&self.graph[source], &self.graph[target], edge.weight())
            })
            .collect();
        edges.sort_by(|a, b| (&a.0.id, &a.1.id, a.2.port).cmp(&(&b.0.id, &b.1.id, b.2.port)));
        edges
    }

    /// The petgraph graph itself, for its algorithms.
    #[must_use]
    pub const fn as_petgraph(&self) -> &StableDiGraph<Node, Edge> {
        &self.graph
    }
}
