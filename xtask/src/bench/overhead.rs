//! Work with the probe and without it, in turns; then what each of its programs takes.

use std::fmt::Write as _;

use anyhow::Result;

use super::agent::Agent;
use super::figures::{Figures, Ratio, mebibytes, thousands};
use super::load::{KINDS, Kind, Program};
use super::stats::Stats;
use crate::say;
use crate::stop::Stop;

/// Both tables.
pub(super) fn measure(load: &Program, rounds: u32, seconds: u64, stop: &Stop) -> Result<String> {
    let mut text = format!(
        "Work pinned to one CPU, {rounds} rounds of {seconds} s with the probe, each between two \
         without it; medians and ranges.\n\n\
         | work | a second without | a second with | with ÷ without |\n|---|---|---|---|\n"
    );
    for kind in KINDS {
        say::progress(format_args!("{rounds} rounds of {}", kind.units));
        text.push_str(&compare(load, kind, rounds, seconds, stop)?);
    }
    say::progress("nanoseconds a run");
    text.push_str(
        "\nBy the kernel's run statistics, whose own measuring is included:\n\n\
         | program | while | runs a unit | ns a run |\n|---|---|---|---|\n",
    );
    for kind in KINDS {
        text.push_str(&programs(load, kind, seconds, stop)?);
    }
    text.push_str(&agent(load, seconds, stop)?);
    Ok(text)
}

/// A row: the rates without and with, and their ratio round by round: to the mean of what was without
/// before and after, so that a machine that grows slower or faster does not count.
fn compare(load: &Program, kind: &Kind, rounds: u32, seconds: u64, stop: &Stop) -> Result<String> {
    let (mut without, mut with) = (Vec::new(), Vec::new());
    without.push(load.run(kind, seconds, stop)?.rate());
    for _ in 0..rounds {
        let agent = Agent::start(kind.watched_by)?;
        with.push(load.run(kind, seconds, stop)?.rate());
        agent.stop()?;
        without.push(load.run(kind, seconds, stop)?.rate());
    }
    let around = without.windows(2).map(|two| f64::midpoint(two[0], two[1]));
    let ratios = Figures::of(with.iter().zip(around).map(|(with, around)| with / around));
    Ok(format!(
        "| {} (`probe {}`) | {} | {} | {} |\n",
        kind.units,
        kind.watched_by,
        thousands(Figures::of(without).median()),
        thousands(Figures::of(with).median()),
        Ratio(&ratios),
    ))
}

/// A row for each program that ran at least once in ten units: the others serve something else.
fn programs(load: &Program, kind: &Kind, seconds: u64, stop: &Stop) -> Result<String> {
    let agent = Agent::start(kind.watched_by)?;
    let before = agent.programs()?;
    let stats = Stats::on()?;
    let done = load.run(kind, seconds, stop)?;
    drop(stats);
    let after = agent.programs()?;
    agent.stop()?;
    let mut text = String::new();
    for (before, after) in before.iter().zip(&after) {
        let runs = after.runs - before.runs;
        let nanoseconds = after.nanoseconds - before.nanoseconds;
        if runs * 10 >= done.units.max(1) {
            let (whole, tenth) = (runs / done.units.max(1), runs * 10 / done.units.max(1) % 10);
            let (name, each) = (&after.name, nanoseconds / runs);
            writeln!(
                text,
                "| `{name}` | {} | {whole}.{tenth} | {each} |",
                kind.units
            )?;
        }
    }
    Ok(text)
}

/// What the agent itself takes, over short connections as many as there can be.
fn agent(load: &Program, seconds: u64, stop: &Stop) -> Result<String> {
    let agent = Agent::start("graph")?;
    let before = agent.used()?;
    let done = load.start(&["connections"], seconds, true)?.finish(stop)?;
    let after = agent.used()?;
    agent.stop()?;
    let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64();
    let million = cpu * 1e6 / (done.rate() * done.seconds);
    Ok(format!(
        "\n| the agent, over {} short connections | |\n|---|---|\n\
         | CPU | {cpu:.3} s, {million:.2} s for a million connections |\n\
         | memory resident, at most | {} |\n| maps | {} |\n",
        thousands(done.rate() * done.seconds),
        mebibytes(after.memory),
        mebibytes(after.maps),
    ))
}
