//! Builds, runs, checks, tests and shows the probe: `cargo xtask VERB`.
//!
//! Every verb first sees that what it needs is there, and installs what is missing ([`need`]).

mod build;
mod line;
mod need;
mod run;
mod say;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Builds, runs, checks, tests and shows the probe.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Verb {
    /// Build target/release/probe, the kernel programs inside
    Build,
    /// Build, then trace this machine: `probe run ARGS`
    Run {
        /// Handed to `probe run`
        #[arg(last = true)]
        args: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match Verb::parse().execute() {
        Ok(code) => code,
        Err(error) => {
            say::error(&error);
            ExitCode::FAILURE
        }
    }
}

impl Verb {
    fn execute(self) -> Result<ExitCode> {
        match self {
            Self::Build => build::build()?,
            Self::Run { args } => return run::run(&args),
        }
        Ok(ExitCode::SUCCESS)
    }
}
