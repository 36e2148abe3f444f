//! What containers use: CPU, memory and I/O, as the cgroup's own files tell.
//!
//! A cgroup counts all that ran in it, also processes that are gone by the time one looks: so a
//! container that does nothing but fork brief programs shows their CPU. [`Hierarchies`] finds the
//! files, on v1, v2 and both at once; [`Meter`] turns two looks into rates.

pub mod files;
mod hierarchies;
mod meter;

use std::time::Duration;

pub use hierarchies::Hierarchies;
pub use meter::{Meter, Reading};

/// What a cgroup has used, and uses now. What its files do not tell is `None`, never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// CPU time since it was made, of user and system.
    pub cpu: Option<Duration>,
    /// How long it was kept from running by its quota, all its CPUs together.
    pub throttled: Option<Duration>,
    /// Memory in bytes, as `docker stats` has it: without the file pages that nobody has used for
    /// a while.
    pub memory: Option<u64>,
    /// The most it may have, in bytes; `None` without a limit.
    pub memory_limit: Option<u64>,
    /// Its threads, which is what the kernel limits and Docker calls PIDS.
    pub threads: Option<u64>,
    /// Bytes read from block devices since it was made.
    pub read: Option<u64>,
    /// Bytes written to them.
    pub written: Option<u64>,
    /// Processes that were killed because it had no more memory.
    pub oom_kills: Option<u64>,
    /// Part of the last ten seconds in which some of it waited for a CPU, in percent.
    pub cpu_pressure: Option<f64>,
    /// The same, for memory.
    pub memory_pressure: Option<f64>,
}
