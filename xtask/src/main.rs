//! Builds, runs, checks, tests, measures and shows the probe: `cargo xtask VERB`.
//!
//! Every verb first sees that what it needs is there, and installs what is missing ([`need`]).

mod bench;
mod build;
mod check;
mod demo;
mod fuzz;
mod image;
mod line;
mod machine;
mod matrix;
mod need;
mod run;
mod say;
mod stop;
mod test;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Builds, runs, checks, tests, measures and shows the probe.
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
    /// Build, then run every test, the ones that need root and a container engine too
    Test {
        /// Only tests whose name contains this
        filter: Option<String>,
        /// Instead, integration tests inside Debian's newest kernels of these series, emulated
        #[arg(long, value_name = "SERIES", value_delimiter = ',')]
        kernel: Vec<String>,
    },
    /// Measure what the probe costs, as Markdown tables
    Bench(bench::Bench),
    /// Lint everything: format, clippy on both sides, dependencies, spelling, deploy/
    Check(check::Check),
    /// Give the decoders of what comes from outside bytes that nobody has thought of
    Fuzz(fuzz::Fuzz),
    /// Build a static probe and put it, alone, into an image of the engine at DOCKER_HOST
    Image,
    /// Open a small shop of containers, trace it: `probe graph ARGS`, and remove it
    Demo {
        /// Handed to `probe graph`, or to `probe` if the first is a command
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
            Self::Test { filter, kernel } => test::test(filter.as_deref(), &kernel)?,
            Self::Bench(bench) => bench::bench(&bench)?,
            Self::Check(check) => check::check(&check)?,
            Self::Fuzz(fuzz) => fuzz::fuzz(&fuzz)?,
            Self::Image => image::image()?,
            Self::Demo { args } => return demo::demo(&args),
        }
        Ok(ExitCode::SUCCESS)
    }
}
