//! Traffic that knows what it sent: deterministic sizes, bounded in count and time.
//!
//! The last line on stdout is a [`probe_tests::tally::Tally`], of a load a
//! [`probe_tests::load::Done`].

mod file;
mod hoard;
mod load;
mod message;
mod tcp;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use serde::Serialize;

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
    /// Write to a file and read it back
    File(file::Rewrite),
    /// Take memory and keep it, until SIGTERM or SIGINT
    Hoard(hoard::Hoard),
    /// Do one kind of work as fast as it goes
    Load(load::Load),
}

fn main() -> ExitCode {
    let done = match Workload::parse() {
        Workload::Serve(serve) => serve.run().and_then(|tally| print(&tally)),
        Workload::Connect(connect) => connect.run().and_then(|tally| print(&tally)),
        Workload::Echo(echo) => echo.run().and_then(|tally| print(&tally)),
        Workload::Talk(talk) => talk.run().and_then(|tally| print(&tally)),
        Workload::Answer(answer) => answer.run().and_then(|tally| print(&tally)),
        Workload::Ask(ask) => ask.run().and_then(|tally| print(&tally)),
        Workload::File(file) => file.run().and_then(|tally| print(&tally)),
        Workload::Hoard(hoard) => hoard.run().and_then(|hoarded| print(&hoarded)),
        Workload::Load(load) => load.run().and_then(|done| print(&done)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere to report that this fails.
            let _ = writeln!(io::stderr(), "workload: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(done: &impl Serialize) -> Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, done).context("cannot write what was done")?;
    writeln!(stdout).context("cannot write what was done")
}
