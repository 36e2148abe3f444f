//! Every flow since the start, with what it has counted.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::{Duration, Instant},
};

use foldhash::fast::RandomState;
use probe_ebpf::flow::MAX_OTHERS;

use super::window::Window;
use crate::{
    identity::{Forward, Workload, Workloads, proxy},
    ids::{CgroupId, FlowId},
    kernel::{
        flows::{Counts, Flow, FlowDelta, FlowNews, Role, Service},
        halves::Halves,
    },
};

/// A flow's place in the ledger.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Row(pub(super) usize);

/// One flow.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) flow: Arc<Flow>,
    /// The other end, when sequence numbers matched it.
    pub(super) peer: Option<Row>,
    /// Since the start, or within the window.
    pub(super) counts: Counts,
    /// Some of its connections, since the start: what was there when somebody asked for it.
    pub(super) halves: Halves,
    /// Who stands behind it: asked again whenever answers change, kept when they get worse.
    pub(super) workload: Workload,
    /// What its address elsewhere was called when it last connected.
    pub(super) name: Option<Arc<str>>,
    /// Where it passes on what it accepts: of docker-proxy, whose command line can be read.
    pub(super) forward: Option<Forward>,
    /// It has had no news for so long that it is not worth a place.
    pub(super) idle: bool,
    /// When it last had news; `None` while nobody tells the time.
    heard: Option<Instant>,
}

/// The flows since the start.
///
/// A flow that leaves the kernel and returns has a new id there and the same row here. Rows are
/// bounded by `max_rows`: what does not fit counts for a row that its cgroup has for that, and is
/// counted itself. Only a cgroup that finds no room even for such a row is not shown.
#[derive(Debug)]
pub struct Ledger {
    rows: Vec<Record>,
    /// By what a flow is, its peer given as a row: ids change, rows do not.
    by_flow: HashMap<(Flow, Option<Row>), Row>,
    /// Looked up for all news of each tick; ids are the kernel side's own.
    by_id: HashMap<FlowId, Row, RandomState>,
    /// News of flows whose peer has not been heard of yet: it comes with the next tick.
    waiting: Vec<FlowDelta>,
    max_rows: usize,
    /// Rows of flows that take what has no room.
    others: usize,
    refused: u64,
    resolved_at: Option<u64>,
    now: Option<Instant>,
    window: Option<Window>,
    fade: Option<Duration>,
}

impl Ledger {
    /// An empty ledger of at most `max_rows` flows.
    #[must_use]
    pub fn new(max_rows: usize) -> Self {
        Self {
            rows: Vec::new(),
            by_flow: HashMap::new(),
            by_id: HashMap::default(),
            waiting: Vec::new(),
            max_rows,
            others: 0,
            refused: 0,
            resolved_at: None,
            now: None,
            window: None,
            fade: None,
        }
    }

    /// Counts only what has come within `window`, if there is one, and calls idle what has had no
    /// news for longer than `fade`. Who wants either must tell the time: [`Ledger::advance`].
    #[must_use]
    pub fn showing(self, window: Option<Duration>, fade: Option<Duration>) -> Self {
        Self {
            window: window.map(Window::new),
            fade,
            ..self
        }
    }

    /// It is `now`: what comes next came now, and what is older than the window counts no more.
    pub fn advance(&mut self, now: Instant) {
        self.now = Some(now);
        if let Some(fade) = self.fade {
            for record in &mut self.rows {
                let silent = |heard| now.saturating_duration_since(heard) > fade;
                record.idle = record.heard.is_some_and(silent);
            }
        }
        if let Some(window) = &mut self.window {
            window.slide(now, |row, counts| {
                let kept = &mut self.rows[row.0].counts;
                *kept = kept.saturating_sub(counts);
                // A least of several cannot be taken back, until none is left.
                if kept.health.rtt_samples == 0 {
                    kept.health.rtt_min_us.0 = None;
                }
            });
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
        let has_peer = |delta: &&FlowDelta| delta.flow.peer.is_some();
        // A client first: its server names it as its peer.
        for delta in news.deltas.iter().filter(|delta| !has_peer(delta)) {
            self.add(delta, None, workloads);
        }
        for delta in late {
            let peer = self.peer_of(&delta.flow);
            self.add(&delta, peer.filter(|row| self.in_own_row(*row)), workloads);
        }
        for delta in news.deltas.iter().filter(has_peer) {
            match self.peer_of(&delta.flow) {
                None => self.waiting.push(delta.clone()),
                peer => self.add(delta, peer.filter(|row| self.in_own_row(*row)), workloads),
            }
        }
        self.keep(news.halves);
        for id in news.retired {
            self.by_id.remove(&id);
        }
        self.resolve(workloads);
    }

    /// Takes in what flows have kept of their connections. Twice the same is as good as once.
    pub fn keep(&mut self, halves: impl IntoIterator<Item = (FlowId, Halves)>) {
        for (id, halves) in halves {
            if let Some(row) = self.by_id.get(&id) {
                self.rows[row.0].halves.add(&halves);
            }
        }
    }

    /// Whether some container with traffic is of a task that was not described yet.
    pub fn has_undescribed(&mut self, workloads: &impl Workloads) -> bool {
        self.resolve(workloads);
        self.rows.iter().any(|record| {
            matches!(&record.workload, Workload::Container(container)
                if container.ecs.as_ref().is_some_and(|view| view.facts.task.is_some() && view.task.is_none()))
        })
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

    /// Whether only what came lately is counted.
    pub(super) const fn has_window(&self) -> bool {
        self.window.is_some()
    }

    fn peer_of(&self, flow: &Flow) -> Option<Row> {
        self.by_id.get(&flow.peer?).copied()
    }

    /// What has no room for a row of its own is nobody's peer.
    fn in_own_row(&self, row: Row) -> bool {
        self.rows[row.0].flow.role != Role::Other
    }

    fn add(&mut self, delta: &FlowDelta, peer: Option<Row>, workloads: &impl Workloads) {
        let known = self.by_id.get(&delta.id).copied();
        let entered = known.or_else(|| self.enter(&delta.flow, peer, workloads));
        let Some(row) = entered.or_else(|| {
            self.refused += 1;
            let other = Arc::new(Flow::other(delta.flow.cgroup));
            self.enter(&other, None, workloads)
        }) else {
            return;
        };
        let row = self.forwarding(row, delta, workloads);
        if known != Some(row) {
            self.by_id.insert(delta.id, row);
        }
        let record = &mut self.rows[row.0];
        if record.flow.role == Role::Client && delta.counts.connections() > 0 {
            record.name = workloads.name_of(record.flow.remote).or(record.name.take());
        }
        record.counts += delta.counts;
        record.heard = self.now;
        record.idle = false;
        if let (Some(window), Some(now)) = (&mut self.window, self.now) {
            window.add(now, row, delta.counts);
        }
    }

    /// Finds out where a proxy passes on what it accepts. A port that has passed to another proxy
    /// has another row from now on, if there is room: what came before went elsewhere.
    fn forwarding(&mut self, row: Row, delta: &FlowDelta, workloads: &impl Workloads) -> Row {
        let record = &mut self.rows[row.0];
        if !record.may_forward() {
            return row;
        }
        let (Service::Tcp(port) | Service::Udp(port)) = record.flow.service else {
            return row;
        };
        let now = delta.pid.and_then(|pid| workloads.forward(pid, port));
        match (record.forward, now) {
            (Some(before), Some(now)) if before != now => {}
            (before, now) => {
                record.forward = before.or(now);
                return row;
            }
        }
        if self.rows.len() - self.others >= self.max_rows {
            self.refused += 1;
            return row;
        }
        let record = Record {
            forward: now,
            counts: Counts::default(),
            halves: Halves::default(),
            ..self.rows[row.0].clone()
        };
        let next = Row(self.rows.len());
        let identity = Flow {
            peer: None,
            ..Flow::clone(&record.flow)
        };
        self.by_flow.insert((identity, record.peer), next);
        self.rows.push(record);
        next
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
            Entry::Vacant(_) if flow.role == Role::Other && self.others >= MAX_OTHERS => None,
            Entry::Vacant(_)
                if flow.role != Role::Other && self.rows.len() - self.others >= self.max_rows =>
            {
                None
            }
            Entry::Vacant(place) => {
                self.others += usize::from(flow.role == Role::Other);
                let row = Row(self.rows.len());
                self.rows.push(Record {
                    workload: workloads.in_cgroup(flow.cgroup, &flow.command),
                    flow: Arc::clone(flow),
                    peer,
                    counts: Counts::default(),
                    halves: Halves::default(),
                    name: None,
                    forward: None,
                    idle: false,
                    heard: None,
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
        // A container has many flows, and is asked for once.
        let mut containers: HashMap<CgroupId, Workload> = HashMap::new();
        for record in &mut self.rows {
            let Flow {
                cgroup, command, ..
            } = &*record.flow;
            let now = match containers.get(cgroup) {
                Some(container) => container.clone(),
                None => workloads.in_cgroup(*cgroup, command),
            };
            if matches!(now, Workload::Container(_)) {
                containers.entry(*cgroup).or_insert_with(|| now.clone());
            }
            // What has been gone for long is forgotten there, not here.
            record.workload = now.or(&record.workload);
        }
    }
}

impl Record {
    /// In a container it is somebody's program that is called so.
    fn may_forward(&self) -> bool {
        self.flow.role == Role::Server
            && self.flow.command == proxy::COMMAND
            && matches!(self.workload, Workload::Process(_))
    }
}
