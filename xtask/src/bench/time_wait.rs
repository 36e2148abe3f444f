//! Connections that are over and still take room, for a minute.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use probe_tests::wait;

use crate::stop::Stop;

const FILE: &str = "/proc/net/sockstat";
/// Longer than all of them last.
const DEADLINE: Duration = Duration::from_mins(3);

/// Waits until fewer than so many are in TIME_WAIT: where there are as many as there may be
/// (`net.ipv4.tcp_max_tw_buckets`), new ones to their ports go unanswered, probe or not.
pub(super) fn falls_below(count: u64, stop: &Stop) -> Result<()> {
    wait::until("TIME_WAIT is over", DEADLINE, || {
        stop.check()?;
        let text = fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
        let mut words = text.split_whitespace();
        words.find(|word| *word == "tw");
        let waiting = words.next().and_then(|count| count.parse().ok());
        let waiting: u64 = waiting.with_context(|| format!("{FILE} has no tw"))?;
        Ok((waiting < count).then_some(()))
    })
}
