//! The kernel's clock and everybody else's.

use jiff::{SignedDuration, Timestamp};
use nix::time::{ClockId, clock_gettime};

use crate::ids::Nanos;

/// Turns `CLOCK_MONOTONIC` into wall clock time, as of the moment it was made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    boot: Timestamp,
}

impl Clock {
    /// Reads both clocks.
    #[must_use]
    pub fn now() -> Self {
        let now = Timestamp::now();
        let monotonic = clock_gettime(ClockId::CLOCK_MONOTONIC)
            .map(std::time::Duration::from)
            .unwrap_or_default();
        let since_boot = SignedDuration::try_from(monotonic).unwrap_or_default();
        Self {
            boot: now.saturating_sub(since_boot).unwrap_or(now),
        }
    }

    /// When `time` was.
    #[must_use]
    pub fn at(&self, time: Nanos) -> Timestamp {
        let since_boot = SignedDuration::from_nanos(i64::try_from(time.0).unwrap_or(i64::MAX));
        self.boot.saturating_add(since_boot).unwrap_or(self.boot)
    }
}
