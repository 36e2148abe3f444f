//! The flow table: what the kernel counted since last time, flow by flow.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr},
    ops::AddAssign,
    os::fd::AsFd,
    sync::Arc,
};

use aya::{
    Pod,
    maps::{HashMap as BpfHashMap, IterableMap as _, Map, MapData, MapError, PerCpuHashMap},
    util::nr_cpus,
};
use probe_ebpf::flow::{FlowCounters, FlowKey, ROLE_CLIENT};
use thiserror::Error;

use super::{batch::BatchReader, live_sockets::LiveSockets, records::text};
use crate::ids::{CgroupId, FlowId, NetNs, Pid};

/// Ticks without traffic and without a socket after which a flow leaves the kernel's map. It keeps
/// its row here and comes back under a new id when it wakes up.
const IDLE_TICKS: u32 = 30;

/// Ticks between taking a flow's key away and its counters. A program that found the key just
/// before needs far less than one to have joined the flow.
const GRACE_TICKS: u32 = 2;

/// Which end of a connection a flow is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// It called `connect`.
    Client,
    /// It accepted.
    Server,
}

/// One end of a conversation.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Flow {
    /// The cgroup of the process at this end.
    pub cgroup: CgroupId,
    /// The command of its thread group's leader; empty when not known.
    pub command: String,
    /// Which end it is.
    pub role: Role,
    /// The other end's flow, when both were matched by sequence numbers.
    pub peer: Option<FlowId>,
    /// The network namespace.
    pub netns: NetNs,
    /// This end's address.
    pub local: IpAddr,
    /// The other end's address, as this end sees it.
    pub remote: IpAddr,
    /// The port of the service: the server's own, or the one the client asked for.
    pub port: u16,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Connections that stood when watching began.
    pub existing: u64,
    /// Connections established since.
    pub opened: u64,
    /// Connections ended.
    pub closed: u64,
    /// Connects that failed.
    pub failed: u64,
    /// Send calls that moved payload.
    pub sends: u64,
    /// Receive calls that moved payload.
    pub receives: u64,
    /// Bytes that send calls took.
    pub bytes_sent: u64,
    /// Bytes that receive calls gave.
    pub bytes_received: u64,
}

impl Counts {
    /// The same traffic, as the other end counts it.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        Self {
            sends: self.receives,
            receives: self.sends,
            bytes_sent: self.bytes_received,
            bytes_received: self.bytes_sent,
            ..self
        }
    }

    /// What is left, never below zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self {
            existing: self.existing.saturating_sub(other.existing),
            opened: self.opened.saturating_sub(other.opened),
            closed: self.closed.saturating_sub(other.closed),
            failed: self.failed.saturating_sub(other.failed),
            sends: self.sends.saturating_sub(other.sends),
            receives: self.receives.saturating_sub(other.receives),
            bytes_sent: self.bytes_sent.saturating_sub(other.bytes_sent),
            bytes_received: self.bytes_received.saturating_sub(other.bytes_received),
        }
    }

    /// Connections there were, and attempts that failed.
    #[must_use]
    pub const fn connections(&self) -> u64 {
        self.existing + self.opened + self.failed
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.existing += other.existing;
        self.opened += other.opened;
        self.closed += other.closed;
        self.failed += other.failed;
        self.sends += other.sends;
        self.receives += other.receives;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
    }
}

/// What a tick brings.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FlowNews {
    /// Flows that have counted something.
    pub deltas: Vec<FlowDelta>,
    /// Ids that will not come again.
    pub retired: Vec<FlowId>,
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

/// The kernel's flows and what we know of them.
pub struct FlowTable {
    flows: BpfHashMap<MapData, Key, u64>,
    counters: PerCpuHashMap<MapData, u64, Counters>,
    live_sockets: LiveSockets,
    key_reader: BatchReader<Key, u64>,
    counter_reader: BatchReader<u64, Counters>,
    known: HashMap<FlowId, Known>,
}

struct Known {
    key: FlowKey,
    flow: Arc<Flow>,
    seen: FlowCounters,
    idle: u32,
    retired: bool,
}

impl FlowTable {
    /// Reads from the maps `FLOWS` and `COUNTERS`.
    pub fn new(flows: Map, counters: Map, live_sockets: LiveSockets) -> Result<Self, MapError> {
        let cpus = nr_cpus().map_err(|(_, error)| MapError::IoError(error))?;
        Ok(Self {
            flows: flows.try_into()?,
            counters: counters.try_into()?,
            live_sockets,
            key_reader: BatchReader::new(1),
            counter_reader: BatchReader::new(cpus),
            known: HashMap::new(),
        })
    }

    /// Flows that the kernel holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What has come since the last tick; flows without news are left out. Two system calls for
    /// each thousand flows, however many connections they carry.
    pub fn tick(&mut self) -> Result<FlowNews, FlowError> {
        self.live_sockets.hand_over().map_err(FlowError::Sockets)?;
        let known = &mut self.known;
        self.key_reader
            .read(self.flows.map().fd().as_fd(), |key, ids| {
                known
                    .entry(FlowId(ids[0]))
                    .or_insert_with(|| Known::new(key.0));
            })
            .map_err(FlowError::Read)?;
        let mut deltas = Vec::new();
        let mut quiet = Vec::new();
        self.counter_reader
            .read(self.counters.map().fd().as_fd(), |id, cpus| {
                let id = FlowId(*id);
                // A flow made since the keys were read: its turn comes with the next tick.
                let Some(flow) = known.get_mut(&id) else {
                    return;
                };
                let now = sum(cpus);
                match flow.advance(now) {
                    Some(counts) => deltas.push(flow.delta(id, counts)),
                    None if now.attached == now.detached => quiet.push(id),
                    None => {}
                }
            })
            .map_err(FlowError::Read)?;
        let retired = self.retire(&quiet)?;
        Ok(FlowNews { deltas, retired })
    }

    /// Takes flows without sockets and traffic out of the kernel's maps: first the key, so that no
    /// further socket joins, then, once nobody can have been about to, the counters, whose last
    /// value has been read by then.
    fn retire(&mut self, quiet: &[FlowId]) -> Result<Vec<FlowId>, FlowError> {
        let mut retired = Vec::new();
        for id in quiet {
            let Some(flow) = self.known.get_mut(id) else {
                continue;
            };
            flow.idle += 1;
            if !flow.retired && flow.idle >= IDLE_TICKS {
                gone_or(self.flows.remove(&Key(flow.key)))?;
                flow.retired = true;
                flow.idle = 0;
            } else if flow.retired && flow.idle >= GRACE_TICKS {
                gone_or(self.counters.remove(&id.0))?;
                self.known.remove(id);
                retired.push(*id);
            }
        }
        Ok(retired)
    }
}

fn gone_or(removed: Result<(), MapError>) -> Result<(), FlowError> {
    match removed {
        Ok(()) | Err(MapError::KeyNotFound) => Ok(()),
        Err(error) => Err(FlowError::Remove(error)),
    }
}

impl Known {
    fn new(key: FlowKey) -> Self {
        Self {
            flow: Arc::new(Flow::from(&key)),
            key,
            seen: FlowCounters::default(),
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
        Some(Counts {
            existing: now.existing - before.existing,
            opened: now.opened - before.opened,
            closed: now.closed - before.closed,
            failed: now.failed - before.failed,
            sends: now.sends - before.sends,
            receives: now.receives - before.receives,
            bytes_sent: now.bytes_sent - before.bytes_sent,
            bytes_received: now.bytes_received - before.bytes_received,
        })
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

/// Adds the CPUs up. Each counter only grows, so sums of later reads are never smaller.
fn sum(cpus: &[Counters]) -> FlowCounters {
    let mut total = FlowCounters::default();
    for Counters(cpu) in cpus {
        total.attached += cpu.attached;
        total.detached += cpu.detached;
        total.existing += cpu.existing;
        total.opened += cpu.opened;
        total.closed += cpu.closed;
        total.failed += cpu.failed;
        total.sends += cpu.sends;
        total.receives += cpu.receives;
        total.bytes_sent += cpu.bytes_sent;
        total.bytes_received += cpu.bytes_received;
        total.last_error = total.last_error.max(cpu.last_error);
        total.last_pid = total.last_pid.max(cpu.last_pid);
    }
    total
}

impl From<&FlowKey> for Flow {
    fn from(key: &FlowKey) -> Self {
        Self {
            cgroup: CgroupId(key.cgroup),
            command: text(&key.comm),
            role: if key.role == ROLE_CLIENT {
                Role::Client
            } else {
                Role::Server
            },
            peer: (key.peer != 0).then_some(FlowId(key.peer)),
            netns: NetNs(key.netns),
            local: address(key.local),
            remote: address(key.remote),
            port: key.port,
        }
    }
}

/// IPv4 addresses are mapped in the key.
fn address(bytes: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(bytes).to_canonical()
}
