//! Other programs, run to their end.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait;

/// A program that a Ctrl-C at the terminal does not reach: what cleans up must outlive it.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).process_group(0);
    command
}

/// Runs it; what it prints is the value, or the reason of the error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} failed: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program with arguments, as [`output`].
pub(crate) fn run(program: &str, args: &[&str]) -> Result<String> {
    output(command(program).args(args))
}

/// Asks a child to end, and makes it end when it has not after `deadline`.
pub(crate) fn end(child: &mut Child, signal: Signal, deadline: Duration) -> Result<()> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    kill(pid(child)?, signal).context("cannot signal a child")?;
    let ended = wait::until("the process ends", deadline, || Ok(child.try_wait()?));
    if let Err(late) = ended {
        child.kill().context("cannot kill a child")?;
        child.wait().context("cannot reap a child")?;
        return Err(late);
    }
    Ok(())
}

/// A child's process id, in the type that signals take.
pub(crate) fn pid(child: &Child) -> Result<Pid> {
    Ok(Pid::from_raw(i32::try_from(child.id())?))
}
