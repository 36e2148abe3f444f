//! Many connections a second for a while: what the agent takes must not follow their number.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use probe_tests::wait;

use super::agent::{Agent, losses, sum};
use super::figures::{mebibytes, thousands};
use super::load::Program;
use crate::say;
use crate::stop::Stop;

/// What is made, and how it is called.
const RATES: [(&str, &[&str]); 2] = [
    ("1,500 a second", &["connections", "--rate", "1500"]),
    (
        "as many as there can be",
        &["connections", "--clients", "2"],
    ),
];

/// A row for each rate.
pub(super) fn measure(load: &Program, seconds: u64, stop: &Stop) -> Result<String> {
    let mut text = format!(
        "Short connections for {seconds} s, on every CPU.\n\n\
         | connections | made a second | made, and counted | agent CPU | memory, at most | maps | \
         losses |\n|---|---|---|---|---|---|---|\n"
    );
    for (name, words) in RATES {
        settle(stop)?;
        say::progress(format_args!("connections, {name}, for {seconds} s"));
        let agent = Agent::start("graph")?;
        let before = agent.used()?;
        let done = load.start(words, seconds, false)?.finish(stop)?;
        let used = agent.used()?;
        let graph = agent.graph()?;
        let counted = sum(&graph, "connections_opened");
        let share = used.cpu.saturating_sub(before.cpu).as_secs_f64() / done.seconds * 100.0;
        writeln!(
            text,
            "| {name} | {} | {} of {} | {share:.2} % of a core | {} | {} | {} |",
            thousands(done.rate()),
            counted,
            done.units,
            mebibytes(used.memory),
            mebibytes(used.maps),
            losses(&graph),
        )?;
    }
    Ok(text)
}

/// Waits for the connections of a run before to leave TIME_WAIT, a minute after their end: where there
/// are as many as there may be, new ones to their ports go unanswered, probe or not.
fn settle(stop: &Stop) -> Result<()> {
    const FILE: &str = "/proc/net/sockstat";
    const FEW: u64 = 1000;
    wait::until("TIME_WAIT is over", Duration::from_mins(3), || {
        stop.check()?;
        let text = fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
        let mut words = text.split_whitespace();
        words.find(|word| *word == "tw");
        let waiting = words.next().and_then(|count| count.parse().ok());
        let waiting: u64 = waiting.with_context(|| format!("{FILE} has no tw"))?;
        Ok((waiting < FEW).then_some(()))
    })
}
