//! What flows now: a graph against the one before.

use std::{
    collections::HashMap,
    ops::AddAssign,
    time::{Duration, Instant},
};

use crate::{
    kernel::flows::Counts,
    topology::{EdgeKey, Graph, Listener, NodeId},
};

/// The graph before.
#[derive(Debug)]
pub struct Traffic {
    before: HashMap<EdgeKey, Counts>,
    at: Instant,
}

/// An edge's traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flowing {
    /// Since the graph before.
    pub recent: Counts,
    /// Time since then.
    pub time: Duration,
}

/// Bytes a second into and out of a node, and its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NetRates {
    /// Bytes received a second.
    pub received: f64,
    /// Bytes sent a second.
    pub sent: f64,
    /// Connections opened a second, by it and to it.
    pub opened: f64,
    /// TCP connections that are open.
    pub open: u64,
}

impl AddAssign for NetRates {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.sent += other.sent;
        self.opened += other.opened;
        self.open += other.open;
    }
}

impl Traffic {
    /// From now on: what was counted before `at` does not count.
    #[must_use]
    pub fn since(at: Instant) -> Self {
        Self {
            before: HashMap::new(),
            at,
        }
    }

    /// What each edge has carried since the last look, in the order of the graph's edges.
    pub fn look(&mut self, graph: &Graph, now: Instant) -> Vec<Flowing> {
        let time = now.saturating_duration_since(self.at);
        let mut counts = HashMap::new();
        let mut flowing = Vec::new();
        for (key, edge) in graph.keyed_edges() {
            let before = self.before.get(&key).copied().unwrap_or_default();
            flowing.push(Flowing {
                recent: edge.counts.saturating_sub(before),
                time,
            });
            counts.insert(key, edge.counts);
        }
        self.before = counts;
        self.at = now;
        flowing
    }
}

impl Flowing {
    /// So many, a second's worth; `None` when no time has passed.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "what flows within an interval is far below 2^53"
    )]
    pub fn rate(&self, number: u64) -> Option<f64> {
        let time = self.time.as_secs_f64();
        (time > 0.0).then(|| number as f64 / time)
    }

    /// Bytes a second, both ways.
    #[must_use]
    pub fn both_ways(&self) -> Option<f64> {
        let Counts {
            bytes_sent,
            bytes_received,
            ..
        } = self.recent;
        self.rate(bytes_sent.saturating_add(bytes_received))
    }
}

/// Connections that are open: of TCP alone, as no other's end is seen.
pub(super) fn open(listener: &Listener, counts: &Counts) -> Option<u64> {
    let ever = counts.existing + counts.opened;
    matches!(listener, Listener::Tcp(_)).then(|| ever.saturating_sub(counts.closed))
}

/// The rates of each node that talks.
pub(super) fn by_node(graph: &Graph, flowing: &[Flowing]) -> HashMap<NodeId, NetRates> {
    let mut rates: HashMap<NodeId, NetRates> = HashMap::new();
    for ((source, target, edge), now) in graph.edges().zip(flowing) {
        let rate = |number| now.rate(number).unwrap_or_default();
        let of_source = NetRates {
            received: rate(now.recent.bytes_received),
            sent: rate(now.recent.bytes_sent),
            opened: rate(now.recent.opened),
            open: open(&edge.listener, &edge.counts).unwrap_or_default(),
        };
        *rates.entry(source.id.clone()).or_default() += of_source;
        if source.id == target.id {
            // Its own other end: the same bytes once more, the same connections not.
            *rates.entry(target.id.clone()).or_default() += NetRates {
                received: of_source.sent,
                sent: of_source.received,
                ..NetRates::default()
            };
            continue;
        }
        *rates.entry(target.id.clone()).or_default() += NetRates {
            received: of_source.sent,
            sent: of_source.received,
            ..of_source
        };
    }
    rates
}
