//! What the kernel side saw and could not keep.

use std::ops::{Add, AddAssign};

use aya::maps::{Map, MapData, MapError, PerCpuArray};
use probe_ebpf::loss::Loss;

/// Losses since the start, by cause.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Losses {
    /// Sockets that found the flow map full: their traffic is in their cgroup's `other` flow.
    pub flows_dropped: u64,
    /// Sockets that got no memory for their flow, or found no room even for an `other` flow: their
    /// traffic is not counted.
    pub sockets_dropped: u64,
    /// Records that found the ring full.
    pub records_dropped: u64,
    /// Sends, receives and state changes that found their flow gone.
    pub counts_dropped: u64,
    /// Datagrams whose other end cannot be known: not counted.
    pub datagrams_dropped: u64,
    /// Name servers' answers, or addresses in them, for which there was no room: such addresses have
    /// no name.
    pub names_dropped: u64,
    /// Runs of a program that the kernel has left out, as it would have interrupted itself. Connections
    /// and bytes are made up for; a reset, a time to connect or a lifetime may be missing.
    pub runs_missed: u64,
}

impl Losses {
    /// Each cause, called as in every output, with its count.
    #[must_use]
    pub const fn by_cause(&self) -> [(&'static str, u64); 7] {
        [
            ("flows_dropped", self.flows_dropped),
            ("sockets_dropped", self.sockets_dropped),
            ("records_dropped", self.records_dropped),
            ("counts_dropped", self.counts_dropped),
            ("datagrams_dropped", self.datagrams_dropped),
            ("names_dropped", self.names_dropped),
            ("runs_missed", self.runs_missed),
        ]
    }
}

impl Add for Losses {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            flows_dropped: self.flows_dropped + other.flows_dropped,
            sockets_dropped: self.sockets_dropped + other.sockets_dropped,
            records_dropped: self.records_dropped + other.records_dropped,
            counts_dropped: self.counts_dropped + other.counts_dropped,
            datagrams_dropped: self.datagrams_dropped + other.datagrams_dropped,
            names_dropped: self.names_dropped + other.names_dropped,
            runs_missed: self.runs_missed + other.runs_missed,
        }
    }
}

impl AddAssign for Losses {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Reads the kernel's loss counters.
pub struct LossCounters(PerCpuArray<MapData, u64>);

impl TryFrom<Map> for LossCounters {
    type Error = MapError;

    fn try_from(map: Map) -> Result<Self, MapError> {
        Ok(Self(map.try_into()?))
    }
}

impl LossCounters {
    /// The sums over all CPUs of what the programs count themselves.
    pub fn read(&self) -> Result<Losses, MapError> {
        let sum = |cause| self.of(cause);
        Ok(Losses {
            flows_dropped: sum(Loss::FlowMapFull)?,
            sockets_dropped: sum(Loss::SocketStorage)? + sum(Loss::OthersFull)?,
            records_dropped: sum(Loss::RingFull)?,
            counts_dropped: sum(Loss::CountersGone)?,
            datagrams_dropped: sum(Loss::PeerUnknown)?,
            names_dropped: sum(Loss::AnswersFull)?,
            runs_missed: 0,
        })
    }

    /// Reads and writes of files that found no room: those that are in their cgroup's rest, and those
    /// that are not counted at all.
    pub fn files(&self) -> Result<(u64, u64), MapError> {
        let sum = |cause: Loss| -> Result<u64, MapError> {
            Ok(self.0.get(&(cause as u32), 0)?.iter().sum())
        };
        let none = sum(Loss::FileRestFull)?;
        Ok((sum(Loss::FilesFull)?, none))
    }

    /// Messages that found their ring full.
    pub fn messages(&self) -> Result<u64, MapError> {
        self.of(Loss::MessagesFull)
    }

    /// Records of connections that did.
    pub fn connections(&self) -> Result<u64, MapError> {
        self.of(Loss::ConnectionsFull)
    }

    fn of(&self, cause: Loss) -> Result<u64, MapError> {
        Ok(self.0.get(&(cause as u32), 0)?.iter().sum())
    }
}
