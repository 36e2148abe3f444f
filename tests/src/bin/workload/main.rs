//! Traffic that knows what it sent: deterministic sizes, bounded in count and time.
//!
//! The last line on stdout is a [`probe_tests::tally::Tally`].

mod message;
mod tcp;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use probe_tests::tally::Tally;

/// Traffic that knows what it sent.
#[derive(Parser)]
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
    Ask(message::Ask),
}

fn main() -> ExitCode {
    let done = match Workload::parse() {
        Workload::Serve(serve) => serve.run(),
        Workload::Connect(connect) => connect.run(),
        Workload::Echo(echo) => echo.run(),
        Workload::Talk(talk) => talk.run(),
        Workload::Answer(answer) => answer.run(),
        Workload::Ask(ask) => ask.run(),
    };
    match done.and_then(|tally| print(&tally)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere to report that this fails.
            let _ = writeln!(io::stderr(), "workload: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(tally: &Tally) -> Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, tally).context("cannot write the tally")?;
    writeln!(stdout).context("cannot write the tally")
}
