//! Waiting for what must become true.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

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
    let start = Instant::now();
    loop {
        if let Some(value) = condition()? {
            return Ok(value);
        }
        if start.elapsed() >= deadline {
            bail!("waited {deadline:?}, in vain: {what}");
        }
        thread::sleep(INTERVAL);
    }
}
