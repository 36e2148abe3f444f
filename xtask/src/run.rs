//! `cargo xtask run`: traces this machine.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use probe_tests::place;

use crate::build;

/// Builds, then becomes `probe run ARGS`: signals, terminal and exit code are the probe's own.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode> {
    build::build()?;
    let probe = place::probe_built();
    let error = Command::new(&probe).arg("run").args(args).exec();
    Err(error).with_context(|| format!("cannot start {}", probe.display()))
}
