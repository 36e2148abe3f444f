//! What came lately: counts by row, in slices of time that are forgotten one by one.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use super::ledger::Row;
use crate::kernel::flows::Counts;

/// Slices of a window: it is sharp to a thirtieth. Each holds the rows that had news in it, at
/// most all of the ledger's.
const SLICES: u32 = 30;

/// The last so-and-so long.
#[derive(Debug)]
pub(super) struct Window {
    length: Duration,
    /// Oldest first.
    slices: VecDeque<Slice>,
}

#[derive(Debug)]
struct Slice {
    /// When the first of it came.
    began: Instant,
    counts: HashMap<Row, Counts>,
}

impl Window {
    pub(super) const fn new(length: Duration) -> Self {
        Self {
            length,
            slices: VecDeque::new(),
        }
    }

    /// Takes in what came `now`.
    pub(super) fn add(&mut self, now: Instant, row: Row, counts: Counts) {
        let open = self.slices.back().is_some_and(|last| {
            let age = now.saturating_duration_since(last.began);
            // What comes with one tick is of one slice.
            age.is_zero() || age < self.length / SLICES
        });
        if !open {
            self.slices.push_back(Slice {
                began: now,
                counts: HashMap::new(),
            });
        }
        if let Some(last) = self.slices.back_mut() {
            *last.counts.entry(row).or_default() += counts;
        }
    }

    /// Forgets what is as old as the window is long, and tells it.
    pub(super) fn slide(&mut self, now: Instant, mut gone: impl FnMut(Row, Counts)) {
        while let Some(first) = self.slices.front()
            && now.saturating_duration_since(first.began) >= self.length
        {
            for (row, counts) in self.slices.pop_front().into_iter().flat_map(|s| s.counts) {
                gone(row, counts);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(opened: u64) -> Counts {
        Counts {
            opened,
            ..Counts::default()
        }
    }

    #[test]
    fn what_is_as_old_as_the_window_is_gone() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut window = Window::new(Duration::from_secs(15));
        let mut left = 0;
        for second in 0..60 {
            window.slide(at(second), |_, counts| left -= counts.opened);
            window.add(at(second), Row(0), opened(second));
            left += second;
            let first = second.saturating_sub(14);
            assert_eq!(left, (first..=second).sum::<u64>(), "{second}");
        }
        window.slide(at(100), |_, counts| left -= counts.opened);
        assert_eq!((left, window.slices.len()), (0, 0));
    }

    #[test]
    fn there_are_no_more_slices_however_often_it_ticks() {
        let start = Instant::now();
        let mut window = Window::new(Duration::from_secs(10));
        for tick in 0..10_000 {
            let now = start + Duration::from_millis(10 * tick);
            window.slide(now, |_, _| {});
            window.add(now, Row(0), opened(1));
            assert!(window.slices.len() <= SLICES as usize + 1);
        }
    }
}
