//! Processes that are asked for again and again, looked up once.

use std::collections::HashMap;

use crate::ids::Pid;

/// Processes remembered; with more all are forgotten.
const MAX_PROCESSES: usize = 4096;

/// What was found out of processes, remembered until [`ByPid::forget`].
#[derive(Debug)]
pub struct ByPid<T>(HashMap<Pid, T>);

impl<T> Default for ByPid<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> ByPid<T> {
    /// What is remembered of the process, or else what `look_up` finds.
    pub fn of(&mut self, pid: Pid, look_up: impl FnOnce(Pid) -> T) -> T {
        if self.0.len() >= MAX_PROCESSES {
            self.forget();
        }
        self.0.entry(pid).or_insert_with(|| look_up(pid)).clone()
    }

    /// Pids are used again, and programs replace each other: call it every second or so.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{ByPid, MAX_PROCESSES};
    use crate::ids::Pid;

    #[test]
    fn each_is_looked_up_once_until_it_is_forgotten() {
        let mut known = ByPid::default();
        assert_eq!(known.of(Pid(7), |pid| pid.0), 7);
        assert_eq!(known.of(Pid(7), |_| 8), 7);
        known.forget();
        assert_eq!(known.of(Pid(7), |_| 8), 8);
    }

    #[test]
    fn it_does_not_grow_without_bound() {
        let mut known = ByPid::default();
        for pid in 0..10_000 {
            known.of(Pid(pid), drop);
            assert!(known.0.len() <= MAX_PROCESSES);
        }
    }
}
