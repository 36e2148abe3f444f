//! Traffic that knows what it sent: deterministic sizes, bounded in count and time.
//!
//! The last line on stdout is a [`probe_tests::tally::Tally`], of a load a
//! [`probe_tests::load::Done`]. With `--` between them a process takes several command lines, runs one
//! after the other, and prints such a line for each at its end; what serves goes on meanwhile.

mod file;
mod hoard;
mod load;
mod message;
mod tcp;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{env, iter};

use anyhow::{Context, Result};
use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use probe_tests::tally::Tally;
use serde_json::Value;

/// Traffic that knows what it sent.
#[derive(Parser)]
#[command(
    name = "workload",
    after_help = "Several of these may be given, with -- between them."
)]
enum Workload {
    /// Answer TCP requests until SIGTERM or SIGINT
    Serve(tcp::serve::Serve),
    /// Send TCP requests, one a connection
    Connect(tcp::connect::Connect),
    /// Give back what comes over TCP, until SIGTERM or SIGINT
    Echo(tcp::echo::Echo),
    /// Keep TCP connections to an echo and say something on them at each SIGUSR1
    Talk(tcp::echo::Talk),
    /// Answer messages over UDP or a unix socket, until SIGTERM or SIGINT
    Answer(message::Answer),
    /// Send messages over UDP or a unix socket, and wait for the answers
    Ask(Box<message::Ask>),
    /// Write to a file and read it back
    File(file::Rewrite),
    /// Take memory and keep it, until SIGTERM or SIGINT
    Hoard(hoard::Hoard),
    /// Do one kind of work as fast as it goes
    Load(load::Load),
}

/// What a server's threads have done so far.
type Shared = Arc<Mutex<Tally>>;

fn lock(shared: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What came of a command line.
enum Outcome {
    Done(Value),
    /// Until a signal ends it, with the process.
    Serves(Shared),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere to report that this fails.
            let _ = writeln!(io::stderr(), "workload: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let words: Vec<_> = env::args_os().skip(1).collect();
    let lines = words.split(|word| word == "--");
    // Whatever is wrong is said before anything begins.
    let workloads: Vec<_> = lines
        .map(|line| Workload::parse_from(iter::once(&"workload".into()).chain(line)))
        .collect();
    let ends = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    let serves = workloads.iter().any(Workload::serves);
    if serves {
        // Before there are threads, so that none of them takes the signal.
        ends.thread_block().context("cannot block signals")?;
    }
    let outcomes: Result<Vec<_>> = workloads.iter().map(Workload::begin).collect();
    let outcomes = outcomes?;
    if serves {
        writeln!(io::stdout(), "serving").context("cannot write to stdout")?;
        ends.wait().context("cannot wait for a signal")?;
    }
    let mut stdout = io::stdout().lock();
    for outcome in outcomes {
        let done = match outcome {
            Outcome::Done(done) => done,
            // What a client has seen answered is counted already.
            Outcome::Serves(shared) => serde_json::to_value(&*lock(&shared))?,
        };
        writeln!(stdout, "{done}").context("cannot write what was done")?;
    }
    Ok(())
}

impl Workload {
    fn serves(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::Echo(_) | Self::Answer(_))
    }

    /// Serves from now on, or does all there is to be done.
    fn begin(&self) -> Result<Outcome> {
        let done = match self {
            Self::Serve(serve) => return serve.begin().map(Outcome::Serves),
            Self::Echo(echo) => return echo.begin().map(Outcome::Serves),
            Self::Answer(answer) => return answer.begin().map(Outcome::Serves),
            Self::Connect(connect) => serde_json::to_value(connect.run()?),
            Self::Talk(talk) => serde_json::to_value(talk.run()?),
            Self::Ask(ask) => serde_json::to_value(ask.run()?),
            Self::File(file) => serde_json::to_value(file.run()?),
            Self::Hoard(hoard) => serde_json::to_value(hoard.run()?),
            Self::Load(load) => serde_json::to_value(load.run()?),
        };
        done.map(Outcome::Done)
            .context("cannot write what was done")
    }
}
