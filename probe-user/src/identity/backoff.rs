//! How long to wait before the next attempt.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// Doubles from a first pause to a longest one. Half of each pause is random, so that many agents
/// do not come back at once.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    pause: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            pause: first.min(longest),
        }
    }

    pub(super) fn next(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(self.longest);
        pause / 2 + random_part_of(pause / 2)
    }

    /// An attempt went well: the next pause is the first again.
    pub(super) fn reset(&mut self) {
        self.pause = self.first.min(self.longest);
    }
}

/// `period`, give or take a tenth.
pub(super) fn jittered(period: Duration) -> Duration {
    period * 9 / 10 + random_part_of(period / 5)
}

/// Between nothing and `whole`, both included.
fn random_part_of(whole: Duration) -> Duration {
    // The standard library's only source of randomness.
    let random = RandomState::new().build_hasher().finish();
    whole / 255 * u32::from(u8::try_from(random & 0xff).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_at_least_half_of_it() {
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
        for full in [250, 500, 1000, 2000, 4000, 5000, 5000] {
            let full = Duration::from_millis(full);
            let pause = backoff.next();
            assert!(pause >= full / 2 && pause <= full, "{pause:?} of {full:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= Duration::from_millis(250));
    }

    #[test]
    fn a_jittered_period_is_a_tenth_off_at_most() {
        let period = Duration::from_secs(30);
        for _ in 0..1000 {
            let jittered = jittered(period);
            assert!(jittered >= period * 9 / 10 && jittered <= period * 11 / 10);
        }
    }
}
