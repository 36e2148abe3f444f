//! The kernel's run statistics of BPF programs: they cost something themselves, so they are on for as
//! long as they are read, and no longer.

use std::fs;

use anyhow::{Context, Result};

const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// On until dropped; then as it was.
pub(super) struct Stats {
    before: String,
}

impl Stats {
    pub(super) fn on() -> Result<Self> {
        let before = fs::read_to_string(SWITCH).with_context(|| format!("cannot read {SWITCH}"))?;
        fs::write(SWITCH, "1").with_context(|| format!("cannot write {SWITCH}"))?;
        Ok(Self { before })
    }
}

impl Drop for Stats {
    fn drop(&mut self) {
        // It could be written a moment ago.
        let _ = fs::write(SWITCH, self.before.trim());
    }
}
