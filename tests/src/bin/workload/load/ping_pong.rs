//! What a send or a receive costs: nothing else is in it.

use anyhow::Result;

use super::{Clock, exchange};

pub(super) fn run(clock: &Clock) -> Result<u64> {
    exchange(clock, 64, 64)
}
