//! Many connections a second for a while: what the agent takes must not follow their number.

use std::fmt::Write as _;

use anyhow::Result;

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
