//! What changed from one graph to the next.

use std::collections::BTreeMap;

use super::{Edge, EdgeKey, Graph, Node, NodeId};

/// What of one kind of thing changed, each list in the graphs' own order.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes<K, V> {
    /// Only in the later one.
    pub added: Vec<(K, V)>,
    /// Only in the earlier one.
    pub removed: Vec<(K, V)>,
    /// In both and not alike: before, then after.
    pub changed: Vec<(K, V, V)>,
}

impl<K: Clone + Ord, V: Clone + PartialEq> Changes<K, V> {
    fn between<'a>(
        before: impl Iterator<Item = (K, &'a V)>,
        after: impl Iterator<Item = (K, &'a V)>,
    ) -> Self
    where
        V: 'a,
    {
        let before: BTreeMap<K, &V> = before.collect();
        let after: BTreeMap<K, &V> = after.collect();
        let missing_in = |other: &BTreeMap<K, &V>, these: &BTreeMap<K, &V>| {
            these
                .iter()
                .filter(|(key, _)| !other.contains_key(*key))
                .map(|(key, value)| (key.clone(), (*value).clone()))
                .collect()
        };
        Self {
            added: missing_in(&before, &after),
            removed: missing_in(&after, &before),
            changed: before
                .iter()
                .filter_map(|(key, old)| {
                    let new = after.get(key)?;
                    (old != new).then(|| (key.clone(), (*old).clone(), (*new).clone()))
                })
                .collect(),
        }
    }

    /// Nothing changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// What changed from one graph to the next: a value of its own, that owns all it tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// Nodes that came, went, or are described otherwise.
    pub nodes: Changes<NodeId, Node>,
    /// Edges that came, went, or count otherwise.
    pub edges: Changes<EdgeKey, Edge>,
}

impl Delta {
    /// What must be done to `before` to have `after`.
    #[must_use]
    pub fn between(before: &Graph, after: &Graph) -> Self {
        fn nodes(graph: &Graph) -> impl Iterator<Item = (NodeId, &Node)> {
            graph.nodes().map(|node| (node.id.clone(), node))
        }
        Self {
            nodes: Changes::between(nodes(before), nodes(after)),
            edges: Changes::between(before.keyed_edges(), after.keyed_edges()),
        }
    }

    /// Nothing changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.edges.is_empty()
    }
}

#[cfg(test)]
mod tests;
