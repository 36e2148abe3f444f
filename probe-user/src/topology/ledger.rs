//! Every flow since the start, with what it has counted.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use crate::{
    identity::{Workload, Workloads},
    ids::FlowId,
    kernel::flows::{Counts, Flow, FlowDelta, FlowNews},
};

/// A flow's place in the ledger.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Row(usize);

/// One flow.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) flow: Arc<Flow>,
    /// The other end, when sequence numbers matched it.
    pub(super) peer: Option<Row>,
    pub(super) counts: Counts,
    /// Who stands behind it: asked again whenever answers change, kept when they get worse.
    pub(super) workload: Workload,
}

/// The flows since the start.
///
/// A flow that leaves the kernel and returns has a new id there and the same row here. Rows are
/// bounded by `max_rows`: what does not fit is not shown, and counted.
#[derive(Debug)]
pub struct Ledger {
    rows: Vec<Record>,
    /// By what a flow is, its peer given as a row: ids change, rows do not.
    by_flow: HashMap<(Flow, Option<Row>), Row>,
    by_id: HashMap<FlowId, Row>,
    /// News of flows whose peer has not been heard of yet: it comes with the next tick.
    waiting: Vec<FlowDelta>,
    max_rows: usize,
    refused: u64,
    resolved_at: Option<u64>,
}

impl Ledger {
    /// An empty ledger of at most `max_rows` flows.
    #[must_use]
    pub fn new(max_rows: usize) -> Self {
        Self {
            rows: Vec::new(),
            by_flow: HashMap::new(),
            by_id: HashMap::new(),
            waiting: Vec::new(),
            max_rows,
            refused: 0,
            resolved_at: None,
        }
    }

    /// Flows it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing was ever counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Flows that found the ledger full.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes in what a tick brought.
    pub fn apply(&mut self, news: FlowNews, workloads: &impl Workloads) {
        let late = std::mem::take(&mut self.waiting);
        let (clients, servers): (Vec<_>, Vec<_>) = news
            .deltas
            .into_iter()
            .partition(|delta| delta.flow.peer.is_none());
        // A client first: its server names it as its peer.
        for delta in clients {
            self.add(&delta, None, workloads);
        }
        for delta in late {
            let peer = self.peer_of(&delta.flow);
            self.add(&delta, peer, workloads);
        }
        for delta in servers {
            match self.peer_of(&delta.flow) {
                None => self.waiting.push(delta),
                peer => self.add(&delta, peer, workloads),
            }
        }
        for id in news.retired {
            self.by_id.remove(&id);
        }
        self.resolve(workloads);
    }

    /// Whether some container with traffic is known by its id only.
    pub fn has_nameless(&mut self, workloads: &impl Workloads) -> bool {
        self.resolve(workloads);
        self.rows.iter().any(|record| {
            matches!(&record.workload, Workload::Container(container) if container.name.is_none())
        })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (Row, &Record)> {
        self.rows
            .iter()
            .enumerate()
            .map(|(index, record)| (Row(index), record))
    }

    fn peer_of(&self, flow: &Flow) -> Option<Row> {
        self.by_id.get(&flow.peer?).copied()
    }

    fn add(&mut self, delta: &FlowDelta, peer: Option<Row>, workloads: &impl Workloads) {
        let known = self.by_id.get(&delta.id).copied();
        let Some(row) = known.or_else(|| self.enter(&delta.flow, peer, workloads)) else {
            self.refused += 1;
            return;
        };
        self.by_id.insert(delta.id, row);
        self.rows[row.0].counts += delta.counts;
    }

    /// The flow's row, the one it had before if it has returned; `None` when there is no room.
    fn enter(
        &mut self,
        flow: &Arc<Flow>,
        peer: Option<Row>,
        workloads: &impl Workloads,
    ) -> Option<Row> {
        let identity = Flow {
            peer: None,
            ..Flow::clone(flow)
        };
        match self.by_flow.entry((identity, peer)) {
            Entry::Occupied(row) => Some(*row.get()),
            Entry::Vacant(_) if self.rows.len() >= self.max_rows => None,
            Entry::Vacant(place) => {
                let row = Row(self.rows.len());
                self.rows.push(Record {
                    workload: workloads.in_cgroup(flow.cgroup, &flow.command),
                    flow: Arc::clone(flow),
                    peer,
                    counts: Counts::default(),
                });
                Some(*place.insert(row))
            }
        }
    }

    /// Asks again who stands behind each flow, if answers may have changed.
    fn resolve(&mut self, workloads: &impl Workloads) {
        let version = workloads.version();
        if self.resolved_at == Some(version) {
            return;
        }
        self.resolved_at = Some(version);
        for record in &mut self.rows {
            let now = workloads.in_cgroup(record.flow.cgroup, &record.flow.command);
            // A container that has been gone for long is forgotten there, not here.
            if matches!(now, Workload::Container(_))
                || !matches!(record.workload, Workload::Container(_))
            {
                record.workload = now;
            }
        }
    }
}
