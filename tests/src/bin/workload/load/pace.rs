//! So many a second, made up for when one comes late.

use std::thread;
use std::time::{Duration, Instant};

/// When the next unit is due.
pub(super) struct Pace {
    pause: Option<Duration>,
    next: Instant,
}

impl Pace {
    /// As many a second among `workers` of which this is one; without a rate, one after the other.
    pub(super) fn new(rate: Option<u32>, workers: u16) -> Self {
        Self {
            pause: rate.map(|rate| Duration::from_secs(1) * u32::from(workers) / rate.max(1)),
            next: Instant::now(),
        }
    }

    /// Waits until the next one is due.
    pub(super) fn wait(&mut self) {
        if let Some(pause) = self.pause {
            thread::sleep(self.next.saturating_duration_since(Instant::now()));
            self.next += pause;
        }
    }
}
