//! The probe under test, as a user would start it.

mod graph;
mod stdout;

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use serde_json::Value;

pub use graph::Graph;
use stdout::Stdout;

use crate::engine::Engine;
use crate::{place, schema, shell, wait};

/// Hooks attached later than this never will be.
const ATTACH_DEADLINE: Duration = Duration::from_secs(30);
/// A probe that was told to end prints what it has, and ends.
const END_DEADLINE: Duration = Duration::from_secs(30);

/// Where there is no engine.
const NO_ENGINE: &str = "unix:///nonexistent/docker.sock";

/// What was printed as an object a line.
///
/// # Errors
///
/// When a line is not JSON.
pub fn objects(printed: &str) -> Result<Vec<Value>> {
    let read = |line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}"));
    printed.lines().map(read).collect()
}

/// A running probe; killed when dropped.
#[derive(Debug)]
pub struct Probe {
    child: Child,
    stdout: Stdout,
    stderr: Arc<Mutex<String>>,
    /// Ends when the probe closes its stderr.
    stderr_end: Receiver<String>,
}

/// What a probe printed until it ended with success.
#[derive(Clone, Debug)]
pub struct Printed {
    /// Its data.
    pub stdout: String,
    /// What it said beside.
    pub stderr: String,
}

impl Probe {
    /// Starts `probe graph --output json ARGS` on an engine, and waits until it traces.
    ///
    /// # Errors
    ///
    /// When the binary is not built, or the probe does not trace in time: with all of its stderr.
    pub fn graph(engine: &Engine, args: &[&str]) -> Result<Self> {
        Self::start(engine, ["graph", "--output", "json"].iter().chain(args))
    }

    /// Starts `probe ARGS` on an engine, and waits until it traces.
    pub fn start<A: AsRef<OsStr>>(
        engine: &Engine,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Self> {
        Self::spawn(engine, args)?.traces()
    }

    /// As [`Self::start`], with more variables in its environment.
    pub fn start_with<A: AsRef<OsStr>>(
        engine: &Engine,
        args: impl IntoIterator<Item = A>,
        env: &[(&str, &str)],
    ) -> Result<Self> {
        Self::spawn_on(&engine.host(), args, env)?.traces()
    }

    /// As [`Self::graph`], with more variables in its environment.
    pub fn graph_with(engine: &Engine, args: &[&str], env: &[(&str, &str)]) -> Result<Self> {
        let args = ["graph", "--output", "json"].iter().chain(args);
        Self::spawn_on(&engine.host(), args, env)?.traces()
    }

    /// Starts `probe ARGS` where there is no engine, and waits until it traces.
    pub fn alone<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Result<Self> {
        Self::spawn_on(NO_ENGINE, args, &[])?.traces()
    }

    /// As [`Self::start`], but nobody reads what it prints until [`Self::line`] or its end.
    pub fn unread<A: AsRef<OsStr>>(
        engine: &Engine,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Self> {
        Self::spawn_unread(&engine.host(), args)?.traces()
    }

    /// The same where there is no engine.
    pub fn alone_unread<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Result<Self> {
        Self::spawn_unread(NO_ENGINE, args)?.traces()
    }

    /// Starts `probe ARGS` on an engine and waits for nothing.
    pub fn spawn<A: AsRef<OsStr>>(
        engine: &Engine,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Self> {
        Self::spawn_on(&engine.host(), args, &[])
    }

    /// Starts `probe graph --output json ARGS` on a host of that name, which is a network namespace,
    /// and of which alone it knows; waits until it traces.
    pub fn graph_in(netns: &str, host: &str, args: &[&str]) -> Result<Self> {
        let mut command = shell::command("nsenter");
        // All of them replace themselves by the next, so that signals reach the probe.
        command
            .arg(format!("--net=/run/netns/{netns}"))
            .args(["unshare", "--uts", "sh", "-c"])
            .arg("hostname \"$0\" && exec \"$@\"")
            .arg(host)
            .arg(place::probe())
            .args(["graph", "--output", "json", "--own-netns"])
            .args(args);
        Self::spawn_as(command.env("DOCKER_HOST", NO_ENGINE))?.traces()
    }

    fn spawn_on<A: AsRef<OsStr>>(
        host: &str,
        args: impl IntoIterator<Item = A>,
        env: &[(&str, &str)],
    ) -> Result<Self> {
        let mut command = shell::command(place::probe());
        command.args(args).env("DOCKER_HOST", host);
        Self::spawn_as(command.envs(env.iter().copied()))
    }

    fn spawn_unread<A: AsRef<OsStr>>(
        host: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Self> {
        let mut command = shell::command(place::probe());
        Self::spawn_read(command.args(args).env("DOCKER_HOST", host), |stdout| {
            Stdout::Test(BufReader::new(stdout))
        })
    }

    fn spawn_as(command: &mut Command) -> Result<Self> {
        Self::spawn_read(command, Stdout::read)
    }

    fn spawn_read(command: &mut Command, read: impl FnOnce(ChildStdout) -> Stdout) -> Result<Self> {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| {
                format!(
                    "cannot start {}; `cargo xtask build` makes it",
                    place::probe().display()
                )
            })?;
        let stdout = child.stdout.take().context("the probe has no stdout")?;
        let errors = child.stderr.take().context("the probe has no stderr")?;
        let stderr = Arc::default();
        let (lines, stderr_end) = mpsc::channel();
        let seen = Arc::clone(&stderr);
        thread::spawn(move || read_lines(errors, &seen, &lines));
        Ok(Self {
            child,
            stdout: read(stdout),
            stderr,
            stderr_end,
        })
    }

    /// The probe's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints, of one that is not read by itself.
    pub fn line(&mut self) -> Result<String> {
        self.stdout.line()
    }

    /// Its reader goes away.
    pub fn hang_up(&mut self) {
        self.stdout = Stdout::Nobody;
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot reap the probe")
    }

    /// What it has said on stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        let stderr = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        stderr.clone()
    }

    /// Waits until a line on stderr contains `words`.
    pub fn wait_for_stderr(&self, words: &str, deadline: Duration) -> Result<()> {
        let said = wait::until(&format!("the probe says {words:?}"), deadline, || {
            Ok(self.stderr().contains(words).then_some(()))
        });
        said.map_err(|error| self.explain(error))
    }

    /// The whole lines that it has printed so far.
    pub fn lines(&self) -> Result<String> {
        self.stdout.lines()
    }

    /// Waits until the lines that it has printed make `is` true.
    pub fn wait_for_stdout(
        &self,
        what: &str,
        deadline: Duration,
        is: impl Fn(&str) -> bool,
    ) -> Result<()> {
        let printed = wait::until(what, deadline, || Ok(is(&self.lines()?).then_some(())));
        printed.map_err(|error| {
            let lines = self.lines().unwrap_or_default();
            self.explain(error.context(format!("it printed:\n{lines}")))
        })
    }

    /// Sends SIGINT and gives the graph that it prints, which must be as its schema says.
    pub fn finish(self) -> Result<Graph> {
        let printed = self.interrupt()?;
        let json = serde_json::from_str(&printed.stdout).with_context(|| {
            format!(
                "not JSON: {}\nits stderr:\n{}",
                printed.stdout, printed.stderr
            )
        })?;
        schema::check(&json)?;
        Ok(Graph {
            json,
            stderr: printed.stderr,
        })
    }

    /// Sends SIGINT and gives what it printed in all.
    pub fn interrupt(mut self) -> Result<Printed> {
        self.stdout.drain();
        let ended = shell::end(&mut self.child, Signal::SIGINT, END_DEADLINE);
        ended.map_err(|error| self.explain(error))?;
        self.printed()
    }

    /// Waits until it ends by itself, and gives what it printed in all.
    pub fn wait(mut self, deadline: Duration) -> Result<Printed> {
        let ended = wait::until("the probe ends", deadline, || self.ended());
        ended.map_err(|error| self.explain(error))?;
        self.printed()
    }

    fn printed(mut self) -> Result<Printed> {
        let status = self.child.wait().context("cannot reap the probe")?;
        let stdout = std::mem::replace(&mut self.stdout, Stdout::Nobody).all()?;
        // All lines are in once the sender is gone.
        while self.stderr_end.recv().is_ok() {}
        if !status.success() {
            bail!("the probe failed: {status}, its stderr:\n{}", self.stderr());
        }
        Ok(Printed {
            stdout,
            stderr: self.stderr(),
        })
    }

    fn traces(mut self) -> Result<Self> {
        match self.attached() {
            Ok(()) => Ok(self),
            Err(error) => Err(self.explain(error)),
        }
    }

    fn attached(&mut self) -> Result<()> {
        let patience = wait::patient(ATTACH_DEADLINE);
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.stderr_end.recv_timeout(left) {
                Ok(line) if line.starts_with("tracing") => return Ok(()),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the probe did not trace within {patience:?}");
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait().context("cannot reap the probe")?;
                    bail!("the probe ended before it traced: {status}");
                }
            }
        }
    }

    fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        error.context(format!("the probe's stderr:\n{}", self.stderr()))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // After an orderly end there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(stderr: ChildStderr, seen: &Mutex<String>, lines: &mpsc::Sender<String>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push_str(&line);
        seen.push('\n');
        drop(seen);
        // Nobody may be waiting for lines any more.
        let _ = lines.send(line);
    }
}
