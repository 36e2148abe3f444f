//! `cargo xtask bench`: what the probe costs, as ratios to what there is without it.
//!
//! Nothing here passes or fails: figures depend on the machine, and go to a reader.

mod agent;
mod document;
mod figures;
mod load;
mod overhead;
mod process;
mod scale;
mod soak;
mod sockets;
mod stats;

use std::io::Write as _;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::need::{self, bpf};
use crate::stop::Stop;
use crate::{build, machine};

/// Measure what the probe costs.
#[derive(Args)]
pub(crate) struct Bench {
    /// What to measure
    #[arg(value_enum, default_value_t = Scenario::Overhead)]
    scenario: Scenario,
    /// Rounds of each work, each without the probe and with it
    #[arg(long, default_value_t = 31, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Seconds of a run; 1 by default, 60 at scale, 20 with sockets, 1,800 to soak
    #[arg(long)]
    seconds: Option<u64>,
    /// The CPU that work is pinned to
    #[arg(long, default_value_t = 0)]
    cpu: u32,
    /// Also put the table into docs/overhead.md
    #[arg(long)]
    write: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Scenario {
    /// Throughput with and without the probe, nanoseconds a run of each program, CPU and memory
    Overhead,
    /// CPU, memory and losses at the highest connection rate and at 1,500 a second
    Scale,
    /// Start and tick with 100,000 sockets open
    Sockets,
    /// Memory, descriptors and losses of the daemon over half an hour of connections and programs
    Soak,
}

/// Builds the probe, measures, and prints one Markdown table after another.
pub(crate) fn bench(bench: &Bench) -> Result<()> {
    if !machine::root() {
        bail!("measuring loads kernel programs: run `sudo -E cargo xtask bench`");
    }
    need::meet(&[&bpf::COMPILER, &bpf::BPF_LINKER])?;
    // Whoever names a probe has built it.
    if std::env::var_os("PROBE_BIN").is_none() {
        build::build()?;
    }
    let load = load::Program::build(bench.cpu)?;
    let stop = Stop::watch()?;
    let tables = match bench.scenario {
        Scenario::Overhead => {
            overhead::measure(&load, bench.rounds, bench.seconds.unwrap_or(1), &stop)
        }
        Scenario::Scale => scale::measure(&load, bench.seconds.unwrap_or(60), &stop),
        Scenario::Sockets => sockets::measure(&load, bench.seconds.unwrap_or(20), &stop),
        Scenario::Soak => soak::measure(&load, bench.seconds.unwrap_or(1800), &stop),
    }?;
    let section = document::Section::of(bench.scenario, &tables)?;
    let mut stdout = std::io::stdout().lock();
    write!(stdout, "{section}").context("cannot write to stdout")?;
    if bench.write {
        section.write()?;
    }
    Ok(())
}
