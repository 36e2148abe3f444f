//! What is gone, in the order it went.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// A queue of the gone. Reviving one leaves its place in the queue to be skipped later, so each
/// burial costs one queue entry until its time has passed.
#[derive(Debug)]
pub(super) struct Graveyard<K> {
    queue: VecDeque<(Instant, K)>,
    gone: HashMap<K, Instant>,
}

impl<K> Default for Graveyard<K> {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            gone: HashMap::new(),
        }
    }
}

impl<K: Clone + Eq + Hash> Graveyard<K> {
    /// `key` went at `now`; what is gone already keeps its time.
    pub(super) fn bury(&mut self, key: K, now: Instant) {
        if !self.gone.contains_key(&key) {
            self.gone.insert(key.clone(), now);
            self.queue.push_back((now, key));
        }
    }

    /// `key` is back.
    pub(super) fn revive(&mut self, key: &K) {
        self.gone.remove(key);
    }

    /// Takes out what has been gone the longest.
    pub(super) fn pop(&mut self) -> Option<K> {
        loop {
            let (at, key) = self.queue.pop_front()?;
            if self.gone.get(&key) == Some(&at) {
                self.gone.remove(&key);
                return Some(key);
            }
        }
    }

    /// Takes out what has been gone for `kept` or longer.
    pub(super) fn pop_older(&mut self, now: Instant, kept: Duration) -> Option<K> {
        while let Some((at, key)) = self.queue.front() {
            if self.gone.get(key) != Some(at) {
                self.queue.pop_front();
            } else if now.saturating_duration_since(*at) >= kept {
                return self.pop();
            } else {
                return None;
            }
        }
        None
    }
}
