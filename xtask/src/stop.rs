//! Being told to stop, so that what was started can be taken away first.

use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long a child gets to hear a signal by itself, as it does of a Ctrl-C at the terminal.
const GRACE: Duration = Duration::from_secs(2);

/// Turns signals that end a process into a flag, and passes them on to a child.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    asked: Arc<AtomicBool>,
    /// The child's process id, 0 without one.
    child: Arc<AtomicU32>,
}

impl Stop {
    /// Begins to catch them. They are caught rather than blocked: what we start would inherit that
    /// they are blocked, the probe among it.
    pub(crate) fn watch() -> Result<Self> {
        let mut signals =
            Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot catch signals")?;
        let stop = Self {
            asked: Arc::default(),
            child: Arc::default(),
        };
        let watcher = stop.clone();
        // Ends with the process.
        thread::spawn(move || {
            for _ in signals.forever() {
                watcher.asked.store(true, Ordering::SeqCst);
                thread::sleep(GRACE);
                watcher.pass_on();
            }
        });
        Ok(stop)
    }

    /// Fails once a signal has come.
    pub(crate) fn check(&self) -> Result<()> {
        if self.asked.load(Ordering::SeqCst) {
            bail!("interrupted");
        }
        Ok(())
    }

    /// Runs a program to its end; a signal is passed on to it.
    pub(crate) fn run(&self, command: &mut Command) -> Result<ExitStatus> {
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        self.child.store(child.id(), Ordering::SeqCst);
        let status = child.wait().context("cannot wait for a program");
        self.child.store(0, Ordering::SeqCst);
        status
    }

    fn pass_on(&self) {
        let pid = self.child.load(Ordering::SeqCst);
        if let Ok(pid @ 1..) = i32::try_from(pid) {
            // It may have ended meanwhile.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
    }
}
