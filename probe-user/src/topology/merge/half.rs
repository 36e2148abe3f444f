//! Halves of edges, and the edges that they add up to.

use std::collections::HashMap;

use crate::topology::{Edge, EdgeKey, Join, Listener, NodeId};

/// An edge as one of the hosts saw it.
pub(super) struct Half {
    pub(super) source: NodeId,
    pub(super) target: NodeId,
    pub(super) edge: Edge,
}

impl Half {
    /// Whether any of its connections was established: of what failed there is no other end.
    pub(super) const fn stood(&self) -> bool {
        let counts = &self.edge.counts;
        counts.existing > 0 || counts.opened > 0
    }
}

/// Edges of the merged graph, by what tells them apart.
pub(super) type Edges = HashMap<EdgeKey, Edge>;

/// Halves seen at the server's end, by what it listens on: else each would be tried with each.
pub(super) fn by_listener<'a>(
    halves: &'a [Half],
    servers: &[usize],
) -> HashMap<&'a Listener, Vec<usize>> {
    let mut by_listener: HashMap<_, Vec<usize>> = HashMap::new();
    for index in servers {
        let listener = &halves[*index].edge.listener;
        by_listener.entry(listener).or_default().push(*index);
    }
    by_listener
}

/// Adds the half's figures to the edge from `source` to `target`, and gives that; all of it rests on
/// `join`, or on what it rested on before.
pub(super) fn add<'a>(
    edges: &'a mut Edges,
    half: &Half,
    source: &NodeId,
    target: &NodeId,
    join: Option<Join>,
) -> &'a mut Edge {
    let key = EdgeKey {
        source: source.clone(),
        target: target.clone(),
        listener: half.edge.listener.clone(),
    };
    let sum = edges
        .entry(key)
        .or_insert_with(|| Edge::new(half.edge.listener.clone()));
    sum.counts += half.edge.counts;
    sum.gaps |= half.edge.gaps;
    // One more host may know the far end, unless it is known already.
    if join.is_none() {
        sum.halves.add(&half.edge.halves);
    }
    for (before, connections) in &half.edge.joins {
        let sum = sum.joins.entry(join.unwrap_or(*before)).or_default();
        *sum = sum.saturating_add(*connections);
    }
    sum
}
