//! Questions on the graph, answered by petgraph's algorithms.
//!
//! Every edge counts, one whose connects all failed as well: that it was tried is what people look
//! for. What a node says to itself does not.

use petgraph::{
    algo::{astar, dijkstra, tarjan_scc},
    graph::NodeIndex,
    visit::{NodeFiltered, Reversed},
};

use super::{
    Graph, Node, NodeId,
    find::{FindError, find},
};

/// What is asked. Names are as [`find`] takes them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question {
    /// Whom a node reaches, itself or through others, in at most so many steps.
    From(String, Option<u32>),
    /// Who reaches a node.
    To(String, Option<u32>),
    /// The shortest way from one to the other.
    Path(String, String),
    /// Who depends on whom in a circle.
    Cycles,
    /// Who talks with nobody else.
    Orphans,
}

/// What is answered, by node ids.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Whom `node` reaches, or who reaches it, with the steps between: nearest first, then by id.
    Reach {
        /// Who was asked about.
        node: NodeId,
        /// Whether it is at the end of all ways, not at the beginning.
        towards: bool,
        /// The others, and the steps to each.
        others: Vec<(NodeId, u32)>,
    },
    /// A shortest way, both ends included; `None` if there is none.
    Path {
        /// Where it begins.
        from: NodeId,
        /// Where it ends.
        to: NodeId,
        /// The nodes passed, in order.
        way: Option<Vec<NodeId>>,
    },
    /// Sets of nodes each of which reaches all others of its set, with one shortest circle.
    Cycles(Vec<Cycle>),
    /// Nodes, by id.
    Orphans(Vec<NodeId>),
}

/// Nodes that reach each other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cycle {
    /// All of them, by id.
    pub members: Vec<NodeId>,
    /// A shortest circle through the first of them, each node once.
    pub circle: Vec<NodeId>,
}

impl Question {
    /// Looks for the answer.
    pub fn ask(&self, graph: &Graph) -> Result<Answer, FindError> {
        Ok(match self {
            Self::From(name, depth) => reach(graph, &find(graph, name)?.id, false, *depth),
            Self::To(name, depth) => reach(graph, &find(graph, name)?.id, true, *depth),
            Self::Path(from, to) => path(graph, &find(graph, from)?.id, &find(graph, to)?.id),
            Self::Cycles => cycles(graph),
            Self::Orphans => orphans(graph),
        })
    }
}

impl Answer {
    /// Every node that the answer speaks of.
    #[must_use]
    pub fn ids(&self) -> Vec<&NodeId> {
        match self {
            Self::Reach { node, others, .. } => {
                let others = others.iter().map(|(id, _)| id);
                std::iter::once(node).chain(others).collect()
            }
            Self::Path { from, to, way } => match way {
                Some(way) => way.iter().collect(),
                None => vec![from, to],
            },
            Self::Cycles(cycles) => cycles.iter().flat_map(|cycle| &cycle.members).collect(),
            Self::Orphans(ids) => ids.iter().collect(),
        }
    }
}

fn id(graph: &Graph, index: NodeIndex) -> NodeId {
    graph.as_petgraph()[index].id.clone()
}

fn reach(graph: &Graph, node: &NodeId, towards: bool, depth: Option<u32>) -> Answer {
    let petgraph = graph.as_petgraph();
    let steps: Vec<(NodeIndex, u32)> = match graph.index(node) {
        None => Vec::new(),
        Some(start) if towards => {
            let steps = dijkstra(Reversed(petgraph), start, None, |_| 1_u32);
            steps.into_iter().collect()
        }
        Some(start) => {
            let steps = dijkstra(petgraph, start, None, |_| 1_u32);
            steps.into_iter().collect()
        }
    };
    let mut others: Vec<_> = steps
        .into_iter()
        .filter(|(_, steps)| *steps > 0 && depth.is_none_or(|depth| *steps <= depth))
        .map(|(index, steps)| (id(graph, index), steps))
        .collect();
    others.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    Answer::Reach {
        node: node.clone(),
        towards,
        others,
    }
}

fn path(graph: &Graph, from: &NodeId, to: &NodeId) -> Answer {
    let ends = graph.index(from).zip(graph.index(to));
    let way = ends.and_then(|(start, end)| {
        let (_, way) = astar(graph.as_petgraph(), start, |at| at == end, |_| 1, |_| 0)?;
        Some(way.into_iter().map(|index| id(graph, index)).collect())
    });
    Answer::Path {
        from: from.clone(),
        to: to.clone(),
        way,
    }
}

fn cycles(graph: &Graph) -> Answer {
    let sets = tarjan_scc(graph.as_petgraph());
    let mut cycles: Vec<_> = sets
        .into_iter()
        .filter(|members| members.len() > 1)
        .map(|mut members| {
            // Indices ascend with ids.
            members.sort();
            Cycle {
                circle: circle(graph, &members),
                members: members.iter().map(|index| id(graph, *index)).collect(),
            }
        })
        .collect();
    cycles.sort_by(|a, b| a.members.cmp(&b.members));
    Answer::Cycles(cycles)
}

/// A shortest way from the first of `members` to one that leads back to it.
fn circle(graph: &Graph, members: &[NodeIndex]) -> Vec<NodeId> {
    let Some(start) = members.first().copied() else {
        return Vec::new();
    };
    let petgraph = graph.as_petgraph();
    let within = NodeFiltered::from_fn(petgraph, |index| members.binary_search(&index).is_ok());
    let leads_back = |at| at != start && petgraph.contains_edge(at, start);
    let way = astar(&within, start, leads_back, |_| 1, |_| 0);
    let way = way.map_or_else(Vec::new, |(_, way)| way);
    way.into_iter().map(|index| id(graph, index)).collect()
}

fn orphans(graph: &Graph) -> Answer {
    let petgraph = graph.as_petgraph();
    let alone = |index: &NodeIndex| {
        let mut neighbours = petgraph.neighbors_undirected(*index);
        neighbours.all(|neighbour| neighbour == *index)
    };
    let alone = petgraph.node_indices().filter(alone);
    Answer::Orphans(alone.map(|index| id(graph, index)).collect())
}

/// The node's name, or its id when it is not in the graph.
#[must_use]
pub fn name_of<'a>(graph: &'a Graph, id: &'a NodeId) -> &'a str {
    graph.node(id).map_or(id.as_str(), Node::name)
}

#[cfg(test)]
mod tests;
