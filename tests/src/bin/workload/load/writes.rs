//! What a system call costs that has nothing to do with the probe: it should be nothing.

use std::fs::File;
use std::io::Write as _;

use anyhow::{Context, Result};

use super::Clock;

/// Between two looks at the clock, which costs as much as a call.
const BATCH: u64 = 1000;

pub(super) fn run(clock: &Clock) -> Result<u64> {
    let mut null = File::options()
        .write(true)
        .open("/dev/null")
        .context("cannot open /dev/null")?;
    let batches = clock.count(|| (0..BATCH).try_for_each(|_| null.write_all(b".")))?;
    Ok(batches * BATCH)
}
