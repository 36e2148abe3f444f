//! One of the engine's daemons, as a child of ours with its log in a file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::{shell, wait};

/// Lines of a log that an error shows.
const LOG_TAIL: usize = 30;
/// A daemon that answers later than this never will.
const START_DEADLINE: Duration = Duration::from_mins(1);
/// dockerd gives its containers 10 s to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// A running daemon.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it and waits until `ready`, or until it has ended.
    pub(crate) fn start(
        command: &mut Command,
        log: &Path,
        mut ready: impl FnMut() -> bool,
    ) -> Result<Self> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdout(Stdio::from(file.try_clone()?))
            .stderr(Stdio::from(file))
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let mut daemon = Self {
            child,
            log: log.to_owned(),
        };
        let what = format!("{command:?} answers");
        let answer = wait::until(&what, START_DEADLINE, || {
            if let Some(status) = daemon.child.try_wait()? {
                bail!("it ended: {status}");
            }
            Ok(ready().then_some(()))
        });
        match answer {
            Ok(()) => Ok(daemon),
            Err(error) => Err(error.context(format!("{command:?} did not start\n{}", tail(log)))),
        }
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) -> Result<()> {
        shell::end(&mut self.child, Signal::SIGTERM, STOP_DEADLINE)
            .with_context(|| format!("a daemon did not stop\n{}", tail(&self.log)))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // After an orderly stop there is nothing to do; else whoever owns the slot kills the rest.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The end of a log file, for an error.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    let start = lines.len().saturating_sub(LOG_TAIL);
    format!("the end of its log:\n{}", lines[start..].join("\n"))
}
