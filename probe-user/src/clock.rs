//! The kernel's clock and everybody else's.
//!
//! How long something took or may take is never told by the wall clock, which may be set at any
//! moment. What is shown by it is computed when it is shown.

use std::time::Duration;

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
            .map(Duration::from)
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

/// A wall clock that goes by itself differs by less from one look to the next.
const STEP: SignedDuration = SignedDuration::from_secs(1);

/// When something began. Where the wall clock is set, its beginning is set with it: so what lies
/// between that and now is what has passed.
#[derive(Clone, Copy, Debug)]
pub struct Beginning {
    shown: Timestamp,
    /// Of `CLOCK_BOOTTIME`, which nobody sets and which goes on while the machine sleeps.
    since_boot: Duration,
}

impl Beginning {
    /// It begins.
    #[must_use]
    pub fn now() -> Self {
        Self {
            shown: Timestamp::now(),
            since_boot: since_boot(),
        }
    }

    /// When it was, by the wall clock as of the last [`Self::follow`].
    #[must_use]
    pub const fn shown(&self) -> Timestamp {
        self.shown
    }

    /// How long ago it was.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        since_boot().saturating_sub(self.since_boot)
    }

    /// Follows the wall clock if it was set, and says how far.
    pub fn follow(&mut self) -> Option<SignedDuration> {
        self.follow_to(Timestamp::now(), self.elapsed())
    }

    fn follow_to(&mut self, now: Timestamp, elapsed: Duration) -> Option<SignedDuration> {
        let elapsed = SignedDuration::try_from(elapsed).ok()?;
        let shown = now.checked_sub(elapsed).ok()?;
        let step = shown.duration_since(self.shown);
        if step.abs() < STEP {
            return None;
        }
        self.shown = shown;
        Some(step)
    }
}

fn since_boot() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME)
        .map(Duration::from)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_began_moves_with_the_clock_that_is_set() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut began = Beginning {
            shown: at(10_000),
            since_boot: Duration::ZERO,
        };
        let mut check = |now, elapsed, step: Option<i64>, shown| {
            let moved = began.follow_to(at(now), Duration::from_secs(elapsed));
            assert_eq!(moved, step.map(SignedDuration::from_secs));
            assert_eq!(began.shown(), at(shown));
        };
        check(10_100, 100, None, 10_000);
        check(6600, 200, Some(-3600), 6400);
        check(6601, 201, None, 6400);
        check(100_202, 202, Some(93_600), 100_000);
    }

    #[test]
    fn a_clock_that_goes_is_not_set() {
        let mut began = Beginning::now();
        assert_eq!(began.follow(), None);
        assert!(began.elapsed() < Duration::from_mins(1));
    }
}
