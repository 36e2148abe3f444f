//! The probe that is measured.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use probe_tests::programs::{self, Program};
use probe_tests::{place, wait};
use serde_json::Value;

use super::process;

/// A probe that was told to end prints what it has, and ends.
const END_DEADLINE: Duration = Duration::from_secs(30);

/// A probe that traces; killed when dropped.
pub(super) struct Agent {
    child: Child,
    stdout: Option<JoinHandle<std::io::Result<String>>>,
    /// From its start until it said that it traces.
    pub(super) started_in: Duration,
}

/// What a probe has used between two moments, or in all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used {
    /// CPU time.
    pub(super) cpu: Duration,
    /// The most memory resident.
    pub(super) memory: u64,
    /// Memory of its maps.
    pub(super) maps: u64,
}

impl Agent {
    /// Starts `probe COMMAND -o json`, with no engine to ask, and waits until it traces.
    pub(super) fn start(command: &str) -> Result<Self> {
        Self::spawn(&[command, "--output", "json"])
    }

    /// The same with the daemon, which serves on a unix socket alone.
    pub(super) fn daemon(socket: &str) -> Result<Self> {
        Self::spawn(&["run", "--listen", "none", "--socket", socket])
    }

    fn spawn(args: &[&str]) -> Result<Self> {
        let start = Instant::now();
        let mut child = Command::new(place::probe())
            .args(args)
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", place::probe().display()))?;
        let mut stdout = child.stdout.take().context("the probe has no output")?;
        let stderr = child.stderr.take().context("the probe has no stderr")?;
        let mut agent = Self {
            child,
            stdout: Some(thread::spawn(move || {
                let mut text = String::new();
                stdout.read_to_string(&mut text)?;
                Ok(text)
            })),
            started_in: Duration::ZERO,
        };
        let mut said = String::new();
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        if !lines.any(|line| {
            said.push_str(&line);
            said.push('\n');
            line.starts_with("tracing")
        }) {
            bail!("the probe does not trace:\n{said}");
        }
        agent.started_in = start.elapsed();
        // Read on, so that it never waits for a reader.
        thread::spawn(move || lines.for_each(drop));
        Ok(agent)
    }

    /// What it has used so far.
    pub(super) fn used(&self) -> Result<Used> {
        let pid = self.child.id();
        Ok(Used {
            cpu: process::cpu(pid)?,
            memory: process::peak_memory(pid)?,
            maps: programs::map_bytes(pid)?,
        })
    }

    /// Bytes resident now, and open descriptors.
    pub(super) fn holds(&self) -> Result<(u64, usize)> {
        let pid = self.child.id();
        Ok((process::memory(pid)?, process::descriptors(pid)?))
    }

    /// Its programs, with their runs so far.
    pub(super) fn programs(&self) -> Result<Vec<Program>> {
        programs::of(self.child.id())
    }

    /// Tells it to end, and waits until it has.
    pub(super) fn stop(mut self) -> Result<String> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(pid, Signal::SIGINT).context("cannot signal the probe")?;
        let status = wait::until("the probe ends", END_DEADLINE, || {
            Ok(self.child.try_wait()?)
        })?;
        if !status.success() {
            bail!("the probe failed: {status}");
        }
        let reader = self.stdout.take().context("its output was read before")?;
        let read = reader
            .join()
            .map_err(|_| anyhow::anyhow!("a reader panicked"))?;
        read.context("the probe's output cannot be read")
    }

    /// The same, and its graph.
    pub(super) fn graph(self) -> Result<Value> {
        serde_json::from_str(&self.stop()?).context("the probe printed no graph")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // After its end there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Losses of a graph, as `none` or each with its count.
pub(super) fn losses(graph: &Value) -> String {
    let losses = graph["losses"].as_object().into_iter().flatten();
    let lost: Vec<_> = losses
        .filter(|(_, count)| count.as_u64() != Some(0))
        .map(|(cause, count)| format!("{cause} {count}"))
        .collect();
    if lost.is_empty() {
        "none".to_owned()
    } else {
        lost.join(", ")
    }
}

/// A sum over the edges of a graph that the load's own process began.
pub(super) fn sum(graph: &Value, key: &str) -> u64 {
    let edges = graph["edges"].as_array().into_iter().flatten();
    edges
        .filter(|edge| {
            edge["source"]
                .as_str()
                .is_some_and(|id| id.contains("workload"))
        })
        .filter_map(|edge| edge[key].as_u64())
        .sum()
}
