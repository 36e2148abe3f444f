//! What a byte costs.

use anyhow::Result;

use super::{Clock, exchange};

pub(super) fn run(clock: &Clock) -> Result<u64> {
    exchange(clock, 1 << 20, 1)
}
