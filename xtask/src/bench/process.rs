//! What a process has used so far, as the kernel accounts for it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// CPU time of all its threads that live.
pub(super) fn cpu(pid: u32) -> Result<Duration> {
    let directory = format!("/proc/{pid}/task");
    let tasks = fs::read_dir(&directory).with_context(|| format!("cannot read {directory}"))?;
    let mut nanoseconds = 0;
    for task in tasks {
        let file = task?.path().join("schedstat");
        // Nanoseconds on a CPU, nanoseconds in a queue, turns.
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let first = text.split(' ').next().and_then(|word| word.parse().ok());
        nanoseconds += first.unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// The most memory it has had resident, in bytes.
pub(super) fn peak_memory(pid: u32) -> Result<u64> {
    status(pid, "VmHWM")
}

/// Its memory that is resident now, in bytes.
pub(super) fn memory(pid: u32) -> Result<u64> {
    status(pid, "VmRSS")
}

fn status(pid: u32, name: &str) -> Result<u64> {
    let file = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let value = text.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix(':')?;
        value.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    });
    Ok(1024 * value.with_context(|| format!("{file} has no {name}"))?)
}

/// How many descriptors it has open.
pub(super) fn descriptors(pid: u32) -> Result<usize> {
    let directory = format!("/proc/{pid}/fd");
    let open = fs::read_dir(&directory).with_context(|| format!("cannot read {directory}"))?;
    Ok(open.count())
}
