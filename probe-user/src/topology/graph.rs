//! The graph, one moment's. It does not change once it is made.

mod conversations;

use std::collections::{BTreeMap, HashMap, HashSet, hash_map::Entry};

use petgraph::{
    graph::NodeIndex,
    stable_graph::StableDiGraph,
    visit::{EdgeRef as _, IntoEdgeReferences as _},
};
use thiserror::Error;

use super::{
    edge::{Edge, EdgeKey},
    gaps::Gap,
    join::Join,
    node::{Node, NodeId},
};
use crate::kernel::flows::Counts;

/// Why nodes and edges are not a graph.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum GraphError {
    /// Two nodes have one id.
    #[error("the node {0:?} is there twice")]
    NodeTwice(String),
    /// Two edges are told apart by nothing.
    #[error("the edge from {source_id:?} to {target:?} on {listener:?} is there twice")]
    EdgeTwice {
        /// Who opened the connections.
        source_id: String,
        /// Who accepted them.
        target: String,
        /// On what.
        listener: String,
    },
    /// An edge has an end that is no node.
    #[error("an edge names the node {0:?}, which is not there")]
    NoSuchNode(String),
}

/// Who talks to whom.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Indices ascend with ids, and edges' with source, target and listener: walking it, and
    /// every algorithm on it, has a stable order.
    graph: StableDiGraph<Node, Edge>,
    nodes: HashMap<NodeId, NodeIndex>,
}

impl Graph {
    /// The graph of these nodes and these edges between them, of whose connections nothing is kept.
    pub fn new(
        nodes: Vec<Node>,
        edges: impl IntoIterator<Item = (EdgeKey, Counts, BTreeMap<Join, u64>)>,
    ) -> Result<Self, GraphError> {
        let edges = edges.into_iter().map(|(key, counts, joins)| {
            let edge = Edge {
                counts,
                joins,
                ..Edge::new(key.listener)
            };
            (key.source, key.target, edge)
        });
        Self::with_edges(nodes, edges)
    }

    /// The graph of these nodes and these edges from one of them to another.
    pub fn with_edges(
        nodes: Vec<Node>,
        edges: impl IntoIterator<Item = (NodeId, NodeId, Edge)>,
    ) -> Result<Self, GraphError> {
        let mut places = HashMap::new();
        for (index, node) in nodes.iter().enumerate() {
            if let Entry::Vacant(place) = places.entry(node.id.clone()) {
                place.insert(index);
            } else {
                return Err(GraphError::NodeTwice(node.id.to_string()));
            }
        }
        let place = |id: &NodeId| {
            let place = places.get(id).copied();
            place.ok_or_else(|| GraphError::NoSuchNode(id.to_string()))
        };
        let mut known = HashSet::new();
        let mut between = Vec::new();
        for (source, target, edge) in edges {
            let ends = (place(&source)?, place(&target)?);
            if !known.insert((ends, edge.listener.clone())) {
                return Err(GraphError::EdgeTwice {
                    source_id: source.to_string(),
                    target: target.to_string(),
                    listener: edge.listener.to_string(),
                });
            }
            between.push((ends.0, ends.1, edge));
        }
        Ok(Self::assemble(nodes, between))
    }

    /// Puts everything in order. Edges name their ends by the place in `nodes`.
    pub(super) fn assemble(nodes: Vec<Node>, edges: Vec<(usize, usize, Edge)>) -> Self {
        let mut order: Vec<usize> = (0..nodes.len()).collect();
        order.sort_by(|a, b| nodes[*a].id.cmp(&nodes[*b].id));
        let mut rank = vec![0; nodes.len()];
        for (at, place) in order.iter().enumerate() {
            rank[*place] = at;
        }
        // Edges are large: their keys are sorted, and each edge is moved once.
        let mut keys: Vec<_> = edges
            .iter()
            .enumerate()
            .map(|(at, (source, target, edge))| (rank[*source], rank[*target], &edge.listener, at))
            .collect();
        keys.sort_unstable();
        let keys: Vec<_> = keys.into_iter().map(|(s, t, _, at)| (s, t, at)).collect();
        let mut edges: Vec<_> = edges.into_iter().map(|(.., edge)| Some(edge)).collect();

        let mut nodes: Vec<(usize, Node)> = rank.into_iter().zip(nodes).collect();
        nodes.sort_by_key(|(rank, _)| *rank);
        let mut graph = Self {
            graph: StableDiGraph::with_capacity(nodes.len(), edges.len()),
            nodes: HashMap::with_capacity(nodes.len()),
        };
        for (_, node) in nodes {
            let id = node.id.clone();
            graph.nodes.insert(id, graph.graph.add_node(node));
        }
        for (source, target, at) in keys {
            let (source, target) = (NodeIndex::new(source), NodeIndex::new(target));
            if let Some(mut edge) = edges[at].take() {
                // Its figures tell: of a window, no longer once that began later.
                edge.gaps.set(Gap::Existing, edge.counts.existing > 0);
                graph.graph.add_edge(source, target, edge);
            }
        }
        graph
    }

    /// All nodes, by id.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.graph.node_weights()
    }

    /// All edges with their ends, by source, target and listener.
    pub fn edges(&self) -> impl Iterator<Item = (&Node, &Node, &Edge)> {
        self.graph.edge_references().map(|edge| {
            let (source, target) = (edge.source(), edge.target());
            (&self.graph[source], &self.graph[target], edge.weight())
        })
    }

    /// All edges with what tells them apart, in the same order.
    pub fn keyed_edges(&self) -> impl Iterator<Item = (EdgeKey, &Edge)> {
        self.edges().map(|(source, target, edge)| {
            let key = EdgeKey {
                source: source.id.clone(),
                target: target.id.clone(),
                listener: edge.listener.clone(),
            };
            (key, edge)
        })
    }

    /// How many edges have which gap, each of which is named.
    pub fn gaps(&self) -> impl Iterator<Item = (Gap, usize)> {
        let with = |gap| {
            self.edges()
                .filter(move |(.., edge)| edge.gaps.contains(gap))
        };
        Gap::ALL
            .into_iter()
            .map(move |gap| (gap, with(gap).count()))
    }

    /// The node of this id.
    #[must_use]
    pub fn node(&self, id: &NodeId) -> Option<&Node> {
        self.graph.node_weight(*self.nodes.get(id)?)
    }

    /// The node's place in [`Graph::as_petgraph`].
    #[must_use]
    pub fn index(&self, id: &NodeId) -> Option<NodeIndex> {
        self.nodes.get(id).copied()
    }

    /// The nodes that `wanted` is true of, and the edges between them.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&Node) -> bool) -> Self {
        let graph = self.graph.filter_map(
            |_, node| wanted(node).then(|| node.clone()),
            |_, edge| Some(edge.clone()),
        );
        let ids = graph
            .node_indices()
            .map(|index| (graph[index].id.clone(), index));
        let nodes = ids.collect();
        Self { graph, nodes }
    }

    /// The edges that `wanted` is true of, given with their ends, and the nodes at them.
    #[must_use]
    pub fn only_edges(&self, wanted: impl Fn(&Node, &Node, &Edge) -> bool) -> Self {
        let mut ends = HashSet::new();
        let mut kept = HashSet::new();
        for edge in self.graph.edge_references() {
            let (source, target) = (edge.source(), edge.target());
            if wanted(&self.graph[source], &self.graph[target], edge.weight()) {
                kept.insert(edge.id());
                ends.extend([source, target]);
            }
        }
        let graph = self.graph.filter_map(
            |index, node| ends.contains(&index).then(|| node.clone()),
            |index, edge| kept.contains(&index).then(|| edge.clone()),
        );
        let ids = graph
            .node_indices()
            .map(|index| (graph[index].id.clone(), index));
        let nodes = ids.collect();
        Self { graph, nodes }
    }

    /// The petgraph graph itself, for its algorithms.
    #[must_use]
    pub const fn as_petgraph(&self) -> &StableDiGraph<Node, Edge> {
        &self.graph
    }
}
