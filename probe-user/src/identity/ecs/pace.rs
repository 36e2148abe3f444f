//! How fast AWS is asked: a token bucket for all calls, pauses after those that failed. No I/O.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::arn::ClusterName;
use super::source::{Operation, SourceError, Trouble};
use crate::identity::backoff::Backoff;

/// Refused questions remembered, each to be asked again after a pause of its own. Clusters come
/// from labels, which anybody can write; when full, the one with the shortest pause left goes.
const MAX_REFUSED: usize = 256;

/// How many calls may be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    /// Calls a second in the long run: 5 by default, a quarter of what AWS allows a whole region.
    pub per_second: u32,
    /// Calls at once after a quiet time: 20 by default.
    pub burst: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            per_second: 5,
            burst: 20,
        }
    }
}

/// The first and the longest pause after calls that failed, doubling in between.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pauses {
    /// 1 s by default.
    pub first: Duration,
    /// 5 minutes by default.
    pub longest: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_mins(5),
        }
    }
}

/// A bucket of tokens, one a call.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    /// Time's worth of tokens used up, seen from the last call: none is a full bucket.
    used: Duration,
    last: Instant,
}

impl Bucket {
    /// Takes one token, and tells how long to wait until it is there.
    fn take(&mut self, now: Instant) -> Duration {
        let one = Duration::from_secs(1) / self.rate.per_second.max(1);
        let whole = one * self.rate.burst.max(1);
        let passed = now.saturating_duration_since(self.last);
        self.used = self.used.saturating_sub(passed) + one;
        self.last = now;
        self.used.saturating_sub(whole)
    }
}

#[derive(Debug)]
struct Refused {
    backoff: Backoff,
    until: Instant,
}

/// When the next call may be made.
#[derive(Debug)]
pub(super) struct Pace {
    bucket: Bucket,
    pauses: Pauses,
    backoff: Backoff,
    paused_until: Option<Instant>,
    refused: HashMap<(ClusterName, Operation), Refused>,
}

impl Pace {
    pub(super) fn new(rate: Rate, pauses: Pauses, now: Instant) -> Self {
        Self {
            bucket: Bucket {
                rate,
                used: Duration::ZERO,
                last: now,
            },
            pauses,
            backoff: Backoff::new(pauses.first, pauses.longest),
            paused_until: None,
            refused: HashMap::new(),
        }
    }

    /// No call at all may be made.
    pub(super) fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }

    /// This one may be made.
    pub(super) fn allows(&self, cluster: &ClusterName, operation: Operation, now: Instant) -> bool {
        let refused = self.refused.get(&(cluster.clone(), operation));
        !self.is_paused(now) && refused.is_none_or(|refused| now >= refused.until)
    }

    /// Takes a token: how long to wait before the call.
    pub(super) fn take(&mut self, now: Instant) -> Duration {
        self.bucket.take(now)
    }

    /// A call was answered. True when the ones before were not.
    pub(super) fn succeeded(&mut self, cluster: &ClusterName, operation: Operation) -> bool {
        self.refused.remove(&(cluster.clone(), operation));
        self.backoff.reset();
        self.paused_until.take().is_some()
    }

    /// A call was not answered. True when that is news: the ones before were.
    pub(super) fn failed(&mut self, error: &SourceError, now: Instant) -> bool {
        if error.trouble == Trouble::Refused
            && let Some(cluster) = &error.cluster
        {
            return self.refuse((cluster.clone(), error.operation), now);
        }
        let news = self.paused_until.is_none();
        self.paused_until = Some(now + self.backoff.next());
        news
    }

    fn refuse(&mut self, question: (ClusterName, Operation), now: Instant) -> bool {
        if let Some(refused) = self.refused.get_mut(&question) {
            refused.until = now + refused.backoff.next();
            return false;
        }
        if self.refused.len() >= MAX_REFUSED {
            let soonest = self.refused.iter().min_by_key(|(_, refused)| refused.until);
            let soonest = soonest.map(|(question, _)| question.clone());
            soonest.map(|question| self.refused.remove(&question));
        }
        let mut backoff = Backoff::new(self.pauses.first, self.pauses.longest);
        let until = now + backoff.next();
        self.refused.insert(question, Refused { backoff, until });
        true
    }
}

#[cfg(test)]
mod tests;
