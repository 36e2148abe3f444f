//! Waiting for what must become true.

use std::sync::LazyLock;
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Result, bail};

/// How often a condition is looked at, where looking costs nothing.
const INTERVAL: Duration = Duration::from_millis(20);

/// A deadline as this machine needs it: `PROBE_TEST_PATIENCE` times as long, where the machine is an
/// emulated one.
#[must_use]
pub fn patient(deadline: Duration) -> Duration {
    static PATIENCE: LazyLock<u32> = LazyLock::new(|| {
        let patience = env::var("PROBE_TEST_PATIENCE").ok();
        patience.and_then(|times| times.parse().ok()).unwrap_or(1)
    });
    deadline * *PATIENCE
}

/// Looks until `condition` gives a value; an error of it ends the wait at once.
///
/// # Errors
///
/// The condition's own, or, after `deadline`, that `what` did not happen.
pub fn until<T>(
    what: &str,
    deadline: Duration,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let (start, deadline) = (Instant::now(), patient(deadline));
    loop {
        if let Some(value) = condition()? {
            return Ok(value);
        }
        if start.elapsed() >= deadline {
            bail!("waited {deadline:?}, in vain: {what}");
        }
        // Emulated, a look may be a program that takes seconds: of those, not one after another.
        thread::sleep(patient(INTERVAL));
    }
}
