//! The flow table: what the kernel counted since last time, flow by flow.

use std::{collections::HashMap, io, os::fd::AsFd, sync::Arc};

use aya::{
    Pod,
    maps::{HashMap as BpfHashMap, IterableMap as _, Map, MapData, MapError, PerCpuHashMap},
    util::nr_cpus,
};
use probe_ebpf::flow::{FlowCounters, FlowKey, PATH_WORDS, PROTOCOL_TCP, ROLE_OTHER};
use thiserror::Error;

use super::{
    batch::BatchReader,
    flow::path_text,
    halves::{Halves, KeptHalves},
    hot::HotFlows,
    live_sockets::LiveSockets,
    take::take,
};
pub use super::{
    counts::{Counts, Health, Least},
    flow::{Flow, Role, Service, UnixListener},
};
use crate::ids::{FlowId, Pid};

/// Ticks without traffic and without a socket after which a flow leaves the kernel's map. It keeps
/// its row here and comes back under a new id when it wakes up.
const IDLE_TICKS: u32 = 30;

/// Ticks between taking a flow's key away and its counters. A program that found the key just
/// before needs far less than one to have joined the flow.
const GRACE_TICKS: u32 = 2;

/// What a tick brings.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FlowNews {
    /// Flows that have counted something.
    pub deltas: Vec<FlowDelta>,
    /// Ids that will not come again.
    pub retired: Vec<FlowId>,
    /// What they had kept of their connections' sequence numbers.
    pub halves: Vec<(FlowId, Halves)>,
}

/// What one flow has counted since the last tick.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FlowDelta {
    /// The flow's id in the kernel.
    pub id: FlowId,
    /// Who it is.
    pub flow: Arc<Flow>,
    /// What has come since the last tick.
    pub counts: Counts,
    /// The latest process to connect or listen in it, when known.
    pub pid: Option<Pid>,
}

/// Why the flow map could not be read.
#[derive(Debug, Error)]
pub enum FlowError {
    /// Reading a map failed.
    #[error("the flow map cannot be read (BPF_MAP_LOOKUP_BATCH, in Linux since 5.6)")]
    Read(#[source] io::Error),
    /// Going over open sockets failed.
    #[error("the open sockets cannot be gone over")]
    Sockets(#[source] io::Error),
    /// Removing an entry failed.
    #[error("an ended flow cannot be removed")]
    Remove(#[source] MapError),
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Key(FlowKey);
// SAFETY: integers only, without padding (asserted by the ABI).
unsafe impl Pod for Key {}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Counters(FlowCounters);
// SAFETY: integers only, without padding (asserted by the ABI).
unsafe impl Pod for Counters {}

/// The kernel's maps that flows are in.
#[derive(Debug)]
pub struct FlowMaps {
    /// `FLOWS`: the id of each flow.
    pub flows: Map,
    /// `OTHERS`: of those that take what has no room there.
    pub others: Map,
    /// `COUNTERS`: by id, for each CPU.
    pub counters: Map,
    /// `HOT`: of those that a CPU has at hand.
    pub hot: Map,
    /// `KEPT`: sequence numbers, by id.
    pub kept: Map,
    /// `PATHS`: of unix sockets, by key.
    pub paths: Map,
}

/// The kernel's flows and what we know of them.
pub struct FlowTable {
    flows: BpfHashMap<MapData, Key, u64>,
    others: BpfHashMap<MapData, Key, u64>,
    paths: BpfHashMap<MapData, u64, [u64; PATH_WORDS]>,
    counters: PerCpuHashMap<MapData, u64, Counters>,
    hot: HotFlows,
    cpus: usize,
    kept: KeptHalves,
    live_sockets: LiveSockets,
    key_reader: BatchReader<Key, u64>,
    counter_reader: BatchReader<u64, Counters>,
    known: HashMap<FlowId, Known>,
    /// Ticks without open sockets.
    late: u64,
}

struct Known {
    key: FlowKey,
    flow: Arc<Flow>,
    seen: FlowCounters,
    idle: u32,
    retired: bool,
}

impl FlowTable {
    /// Reads from these maps.
    pub fn new(maps: FlowMaps, live_sockets: LiveSockets) -> Result<Self, MapError> {
        let cpus = nr_cpus().map_err(|(_, error)| MapError::IoError(error))?;
        Ok(Self {
            flows: maps.flows.try_into()?,
            others: maps.others.try_into()?,
            counters: maps.counters.try_into()?,
            hot: HotFlows::map(maps.hot)?,
            kept: maps.kept.try_into()?,
            paths: maps.paths.try_into()?,
            cpus,
            live_sockets,
            key_reader: BatchReader::new(1),
            counter_reader: BatchReader::new(cpus),
            known: HashMap::new(),
            late: 0,
        })
    }

    /// Flows that the kernel holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Ticks that had no descriptor left to go over open sockets: their counts came later.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.late
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What has come since the last tick; flows without news are left out. Two system calls for
    /// each thousand flows, however many connections they carry.
    pub fn tick(&mut self) -> Result<FlowNews, FlowError> {
        match self.live_sockets.hand_over() {
            Ok(()) => {}
            // It takes one. What sockets have counted they keep, and tell with a later tick.
            Err(error) if out_of_descriptors(&error) => self.late += 1,
            Err(error) => return Err(FlowError::Sockets(error)),
        }
        let known = &mut self.known;
        let path = |key| path(&self.paths, key);
        for map in [&self.flows, &self.others] {
            self.key_reader
                .read(map.map().fd().as_fd(), |key, ids| {
                    known
                        .entry(FlowId(ids[0]))
                        .or_insert_with(|| Known::new(key.0, path));
                })
                .map_err(FlowError::Read)?;
        }
        let hot = self.hot.read();
        let mut deltas = Vec::new();
        let mut quiet = Vec::new();
        self.counter_reader
            .read(self.counters.map().fd().as_fd(), |id, cpus| {
                let id = FlowId(*id);
                // A flow made since the keys were read: its turn comes with the next tick.
                let Some(flow) = known.get_mut(&id) else {
                    return;
                };
                let mut now = sum(cpus);
                if let Some(hot) = hot.get(&id) {
                    now.add(hot);
                }
                match flow.advance(now) {
                    Some(counts) => deltas.push(flow.delta(id, counts)),
                    None if now.attached == now.detached => quiet.push(id),
                    None => {}
                }
            })
            .map_err(FlowError::Read)?;
        let mut news = FlowNews {
            deltas,
            ..FlowNews::default()
        };
        self.retire(&quiet, &mut news)?;
        Ok(news)
    }

    /// What flows have kept of their connections' sequence numbers, those that are not joined here
    /// among them. Costs as much as a tick's look at the flows: for who wants to save a graph.
    pub fn halves(&self) -> Result<HashMap<FlowId, Halves>, FlowError> {
        self.kept.read().map_err(FlowError::Read)
    }

    /// Takes flows without sockets and traffic out of the kernel's maps: first the key, so that no
    /// further socket joins, then, once nobody can have been about to, the counters. A unix socket
    /// that has known them all along may have counted since they were read: they are taken with
    /// their last value.
    fn retire(&mut self, quiet: &[FlowId], news: &mut FlowNews) -> Result<(), FlowError> {
        for id in quiet {
            let Some(flow) = self.known.get_mut(id) else {
                continue;
            };
            flow.idle += 1;
            if !flow.retired && flow.idle >= IDLE_TICKS {
                let keys = match flow.key.role {
                    ROLE_OTHER => &mut self.others,
                    _ => &mut self.flows,
                };
                gone_or(keys.remove(&Key(flow.key)))?;
                self.hot.retire(*id);
                flow.retired = true;
                flow.idle = 0;
            } else if flow.retired && flow.idle >= GRACE_TICKS {
                let Some(hot) = self.hot.empty(*id) else {
                    flow.idle = 0;
                    continue;
                };
                let map = self.counters.map().fd().as_fd();
                let last = take::<u64, Counters>(map, &id.0, self.cpus);
                let last = last.map_err(FlowError::Read)?;
                let last = last.map(|cpus| {
                    let mut last = sum(&cpus);
                    last.add(&hot);
                    last
                });
                if let Some(counts) = last.and_then(|last| flow.advance(last)) {
                    news.deltas.push(flow.delta(*id, counts));
                }
                // Of datagrams and unix sockets there are none.
                if flow.key.protocol == PROTOCOL_TCP && flow.key.peer == 0 {
                    let kept = self.kept.take(*id).map_err(FlowError::Remove)?;
                    news.halves.push((*id, kept));
                }
                self.known.remove(id);
                news.retired.push(*id);
            }
        }
        Ok(())
    }
}

/// A unix socket's path, empty when there was no room for it.
fn path(paths: &BpfHashMap<MapData, u64, [u64; PATH_WORDS]>, key: u64) -> Arc<str> {
    let words = paths.get(&key, 0).unwrap_or([0; PATH_WORDS]);
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    path_text(&bytes).into()
}

fn gone_or(removed: Result<(), MapError>) -> Result<(), FlowError> {
    match removed {
        Ok(()) | Err(MapError::KeyNotFound) => Ok(()),
        Err(error) => Err(FlowError::Remove(error)),
    }
}

impl Known {
    fn new(key: FlowKey, path: impl FnOnce(u64) -> Arc<str>) -> Self {
        Self {
            flow: Arc::new(Flow::new(&key, path)),
            key,
            seen: FlowCounters::NONE,
            idle: 0,
            retired: false,
        }
    }

    /// What `now` adds to what was seen; `None` when that is nothing.
    fn advance(&mut self, now: FlowCounters) -> Option<Counts> {
        let before = self.seen;
        if now == before {
            return None;
        }
        self.seen = now;
        self.idle = 0;
        Some(Counts::from(&now).saturating_sub(Counts::from(&before)))
    }

    fn delta(&self, id: FlowId, counts: Counts) -> FlowDelta {
        FlowDelta {
            id,
            flow: Arc::clone(&self.flow),
            counts,
            pid: (self.seen.last_pid != 0).then_some(Pid(self.seen.last_pid)),
        }
    }
}

/// Adds the CPUs up.
fn sum(cpus: &[Counters]) -> FlowCounters {
    let mut total = FlowCounters::NONE;
    for Counters(cpu) in cpus {
        total.add(cpu);
    }
    total
}

/// This process has none left, or the whole machine.
fn out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}
