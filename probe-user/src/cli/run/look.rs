//! What of the agent's edges is shown, by screen and lines alike.

use std::time::Duration;

use crate::{
    agent::Agent,
    views::edges::{Edges, Row},
};

/// How to look.
pub(super) struct Look {
    pub(super) edges: Edges,
    pub(super) window: Option<Duration>,
    pub(super) interval: Duration,
    pub(super) limit: usize,
}

impl Look {
    /// The edges, and how long it took for what is recent of them to come: the interval, or as
    /// much of the window as has passed.
    pub(super) fn rows(&mut self, agent: &Agent) -> (Vec<Row>, Duration) {
        let graph = agent.graph();
        let Some(window) = self.window else {
            return (self.edges.rows(&graph), self.interval);
        };
        let span = window.min(agent.watched());
        (self.edges.afresh().rows(&graph), span)
    }
}
