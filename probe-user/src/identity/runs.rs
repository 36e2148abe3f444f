//! How long processes ran: from their fork to their exit, both seen.

use std::collections::HashMap;

use crate::ids::{Nanos, Pid};

/// Processes whose beginning is remembered at once; of further ones the run time is not known.
const MOST: usize = 65_536;

/// When processes began.
#[derive(Debug, Default)]
pub struct Runs {
    began: HashMap<Pid, Nanos>,
}

impl Runs {
    /// A process was made.
    pub fn began(&mut self, pid: Pid, at: Nanos) {
        if self.began.len() < MOST || self.began.contains_key(&pid) {
            self.began.insert(pid, at);
        }
    }

    /// It ended: how long it ran, if its beginning was seen.
    pub fn ended(&mut self, pid: Pid, at: Nanos) -> Option<Nanos> {
        let began = self.began.remove(&pid)?;
        Some(Nanos(at.0.saturating_sub(began.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_from_fork_to_exit() {
        let mut runs = Runs::default();
        runs.began(Pid(7), Nanos(100));
        assert_eq!(runs.ended(Pid(7), Nanos(350)), Some(Nanos(250)));
        assert_eq!(runs.ended(Pid(7), Nanos(400)), None, "a pid is reused");
        assert_eq!(runs.ended(Pid(8), Nanos(400)), None);
    }

    #[test]
    fn a_full_memory_knows_no_more() {
        let mut runs = Runs::default();
        for pid in 0..=u32::try_from(MOST).unwrap() {
            runs.began(Pid(pid), Nanos(1));
        }
        assert_eq!(runs.began.len(), MOST);
    }
}
