//! What is between two nodes.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    gaps::{Gap, Gaps},
    join::Join,
    listener::Listener,
    node::NodeId,
};
use crate::kernel::{flows::Counts, halves::Halves};

/// One node talks to another on one port.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// What the target listens on.
    pub listener: Listener,
    /// What was counted, as the source sees it: it opened the connections, and sent to the target.
    pub counts: Counts,
    /// How many connections, failed ones included, rest on which evidence.
    pub joins: BTreeMap<Join, u64>,
    /// Some of the connections with an external node: another host may know the same.
    pub halves: Halves,
    /// What it may lack.
    pub gaps: Gaps,
}

impl Edge {
    /// One on which nothing was counted.
    #[must_use]
    pub fn new(listener: Listener) -> Self {
        Self {
            listener,
            counts: Counts::default(),
            joins: BTreeMap::new(),
            halves: Halves::default(),
            gaps: Gaps::default(),
        }
    }

    /// Whether its send and receive calls were counted.
    #[must_use]
    pub const fn counts_calls(&self) -> bool {
        !self.gaps.contains(Gap::Calls)
    }

    /// The evidence that most of its connections rest on; the stronger one when even.
    #[must_use]
    pub fn join(&self) -> Join {
        self.joins
            .iter()
            .max_by_key(|(join, connections)| (**connections, Reverse(**join)))
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
    /// On what.
    pub listener: Listener,
}
