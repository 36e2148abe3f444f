//! How long to wait before the next attempt.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);

/// Doubles from [`FIRST`] to [`LONGEST`]. Half of each pause is random, so that many agents do
/// not come back at once.
#[derive(Debug)]
pub(super) struct Backoff {
    pause: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { pause: FIRST }
    }
}

impl Backoff {
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST);
        // The standard library's only source of randomness.
        let random = RandomState::new().build_hasher().finish();
        pause / 2 + pause / 2 * u32::from(u8::try_from(random & 0xff).unwrap_or_default()) / 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_at_least_half_of_it() {
        let mut backoff = Backoff::default();
        for full in [250, 500, 1000, 2000, 4000, 5000, 5000] {
            let full = Duration::from_millis(full);
            let pause = backoff.next();
            assert!(pause >= full / 2 && pause <= full, "{pause:?} of {full:?}");
        }
    }
}
