//! How much of what happened a snapshot accounts for: the one place that adds up every loss.

use super::{
    gaps::{Gap, Gaps},
    join::Conversation,
    placement::Clock,
};
use crate::kernel::{flows::Counts, losses::Losses};

/// Why a connection is not whole. In this order the first that fits is the one it is counted for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Cause {
    /// The kernel had no memory for its flow.
    Memory,
    /// It sent, received or changed its state when its flow was gone already.
    Counter,
    /// A datagram, whose other end could not be known.
    Datagram,
    /// The flow table was full: it is on an edge to `unknown`.
    Map,
    /// Both ends are on this host, and one was not seen.
    OneSided,
    /// An end has no name: no engine has told it.
    Identity,
    /// An end is an ECS task that was not described, or whose service is overdue.
    Ecs,
}

impl Cause {
    /// All of them, in their order.
    pub const ALL: [Self; 7] = [
        Self::Memory,
        Self::Counter,
        Self::Datagram,
        Self::Map,
        Self::OneSided,
        Self::Identity,
        Self::Ecs,
    ];

    /// The word that stands for it in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Counter => "counter",
            Self::Datagram => "datagram",
            Self::Map => "map",
            Self::OneSided => "one_sided",
            Self::Identity => "identity",
            Self::Ecs => "ecs",
        }
    }
}

/// An account of connections and records, by what became of them.
///
/// It is kept in connections, as edges count them, failed ones included: of what was lost the bytes
/// cannot be known. What the kernel could not count at all (`Memory`, `Counter`, `Datagram`) is
/// taken for a connection each, the most it can be; so the share is a lower bound. Losses count
/// since the start, connections since the start or within the window.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Completeness {
    /// Connections whose figures are exact and whose ends are both known, as far as they are here.
    pub whole: u64,
    /// All others, by their cause, in the order of [`Cause::ALL`].
    pub lost: [u64; 7],
    /// Records of processes and cgroups that came.
    pub records: u64,
    /// Records that found the ring full.
    pub ring: u64,
    /// Records that could not be decoded.
    pub undecoded: u64,
    /// Hosts on which a container engine did not answer when the account was made: names it has
    /// given since are missing.
    pub engines_silent: u64,
}

impl Completeness {
    /// The account of a host's conversations.
    #[must_use]
    pub fn of(conversations: &[Conversation], losses: &Losses, clock: Option<Clock>) -> Self {
        let mut account = Self::default();
        account.add(Cause::Memory, losses.sockets_dropped);
        account.add(Cause::Counter, losses.counts_dropped);
        account.add(Cause::Datagram, losses.datagrams_dropped);
        for conversation in conversations {
            let Counts {
                existing,
                opened,
                failed,
                ..
            } = conversation.counts;
            let stood = existing.saturating_add(opened);
            let all = stood.saturating_add(failed);
            match cause(conversation, clock) {
                // What failed never had another end.
                Some(Cause::OneSided) => {
                    account.add(Cause::OneSided, stood);
                    account.whole = account.whole.saturating_add(failed);
                }
                Some(cause) => account.add(cause, all),
                None => account.whole = account.whole.saturating_add(all),
            }
        }
        account
    }

    /// Connections lost to `cause`.
    #[must_use]
    pub const fn lost_to(&self, cause: Cause) -> u64 {
        self.lost[cause as usize]
    }

    /// All connections, whole or not.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.lost
            .iter()
            .fold(self.whole, |sum, lost| sum.saturating_add(*lost))
    }

    /// The share of connections that are whole, or of records that came, if that is the smaller
    /// one: from 0 to 1, which it is of nothing, and only if nothing was lost.
    #[must_use]
    pub fn share(&self) -> f64 {
        let lost = self.ring.saturating_add(self.undecoded);
        let records = share(self.records, self.records.saturating_add(lost));
        share(self.whole, self.connections()).min(records)
    }

    /// The account of several hosts.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        let pairs = self.lost.iter_mut().zip(other.lost).chain([
            (&mut self.whole, other.whole),
            (&mut self.records, other.records),
            (&mut self.ring, other.ring),
            (&mut self.undecoded, other.undecoded),
            (&mut self.engines_silent, other.engines_silent),
        ]);
        for (sum, more) in pairs {
            *sum = sum.saturating_add(more);
        }
        self
    }

    const fn add(&mut self, cause: Cause, connections: u64) {
        let lost = &mut self.lost[cause as usize];
        *lost = lost.saturating_add(connections);
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if part == whole {
        return 1.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a share has 15 digits")]
    let share = part as f64 / whole as f64;
    // One of very many must not be rounded away.
    share.min(1.0 - f64::EPSILON)
}

/// What keeps a conversation from being whole, beside failing.
fn cause(conversation: &Conversation, clock: Option<Clock>) -> Option<Cause> {
    let gaps = Gaps::of(conversation, clock);
    let causes = gaps.iter().filter_map(|gap| match gap {
        Gap::Map => Some(Cause::Map),
        Gap::SourceUnseen | Gap::TargetUnseen => Some(Cause::OneSided),
        Gap::Identity => Some(Cause::Identity),
        Gap::Ecs => Some(Cause::Ecs),
        // What was counted is exact, and was of whom it says.
        Gap::Engine | Gap::Calls | Gap::Existing => None,
    });
    causes.min()
}

#[cfg(test)]
mod tests;
