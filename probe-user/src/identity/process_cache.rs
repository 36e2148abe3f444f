//! Processes that are asked for again and again, read from `/proc` once.

use std::{collections::HashMap, sync::Arc};

use super::process::{self, Process};
use crate::ids::Pid;

/// Processes remembered; with more all are forgotten.
const MAX_PROCESSES: usize = 4096;

/// What `/proc` says of processes, remembered until [`ProcessCache::forget`].
#[derive(Debug, Default)]
pub struct ProcessCache(HashMap<Pid, Option<Arc<Process>>>);

impl ProcessCache {
    /// The process; `None` once it has ended.
    pub fn of(&mut self, pid: Pid) -> Option<Arc<Process>> {
        if self.0.len() >= MAX_PROCESSES {
            self.forget();
        }
        self.0
            .entry(pid)
            .or_insert_with(|| process::of_thread(pid).map(Arc::new))
            .clone()
    }

    /// Pids are used again, and programs replace each other: call it every second or so.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::ProcessCache;
    use crate::ids::Pid;

    #[test]
    fn a_process_is_found_and_nobody_is_not() {
        let mut cache = ProcessCache::default();
        let own = cache.of(Pid(std::process::id())).unwrap();
        assert_eq!(own.pid.0, std::process::id());
        assert_eq!(own.command_line, cache.of(own.pid).unwrap().command_line);
        assert_eq!(cache.of(Pid(u32::MAX)), None);
    }
}
