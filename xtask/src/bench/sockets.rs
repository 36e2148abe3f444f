//! Many open sockets that say nothing: what was there before must be found soon, and looking at all
//! of them once a tick must stay cheap.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::agent::{Agent, Used, losses, sum};
use super::figures::{mebibytes, thousands};
use super::load::{Program, Run};
use crate::say;
use crate::stop::Stop;

/// Processes, and sockets of each: one may open 20,000 files where limits are usual.
const PROCESSES: u32 = 6;
const EACH: u32 = 17_000;
/// Time to open all of them.
const OPENING: u64 = 60;
/// Turns of the agent while it watches.
const TICK: Duration = Duration::from_secs(1);

/// A row with no sockets, and one with all of them.
pub(super) fn measure(load: &Program, seconds: u64, stop: &Stop) -> Result<String> {
    let ticks = u32::try_from(seconds.max(1))?;
    let mut text = format!(
        "Sockets that say nothing, in {PROCESSES} processes; a tick each second, {ticks} of them. \
         Start is from `exec` until all is attached and found.\n\n\
         | open sockets | start | CPU of start | CPU of a tick | memory, at most | maps | found | \
         losses |\n|---|---|---|---|---|---|---|---|\n"
    );
    text.push_str(&row(0, ticks, stop)?);
    say::progress(format_args!("opening {} sockets", PROCESSES * EACH));
    let mut holders = (0..PROCESSES)
        .map(|number| {
            let (count, address) = (EACH.to_string(), (number + 1).to_string());
            let words = ["sockets", "--count", &count, "--address", &address];
            load.start(&words, OPENING + 2 * seconds, false)
        })
        .collect::<Result<Vec<_>>>()?;
    holders
        .iter_mut()
        .try_for_each(|run: &mut Run| run.says().map(drop))?;
    text.push_str(&row(PROCESSES * EACH, ticks, stop)?);
    Ok(text)
}

fn row(sockets: u32, ticks: u32, stop: &Stop) -> Result<String> {
    let agent = Agent::start("graph")?;
    let start = agent.used()?;
    for _ in 0..ticks {
        stop.check()?;
        thread::sleep(TICK);
    }
    let Used { cpu, memory, maps } = agent.used()?;
    let started_in = agent.started_in;
    let graph = agent.graph()?;
    Ok(format!(
        "| {} | {:.2} s | {:.2} s | {:.1} ms | {} | {} | {} | {} |\n",
        thousands(f64::from(sockets)),
        started_in.as_secs_f64(),
        start.cpu.as_secs_f64(),
        cpu.saturating_sub(start.cpu).as_secs_f64() * 1e3 / f64::from(ticks),
        mebibytes(memory),
        mebibytes(maps),
        2 * sum(&graph, "connections_existing"),
        losses(&graph),
    ))
}
