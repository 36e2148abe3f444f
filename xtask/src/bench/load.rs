//! The program that does the work, and its runs.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use probe_tests::load::Done;
use probe_tests::{wait, workload};

use crate::line::Line;
use crate::stop::Stop;

/// How much longer than it was told a run may take.
const GRACE: Duration = Duration::from_mins(1);

/// Runs its arguments in a network namespace that has a loopback. What is left in TIME_WAIT goes with the
/// namespace: a run does not wait for it to be over, or find the table full (`net.ipv4.tcp_max_tw_buckets`).
const WITH_LOOPBACK: &str = r#"ip link set lo up && exec "$0" "$@""#;

/// A kind of work that is compared.
pub(super) struct Kind {
    /// What `workload load` calls it.
    pub(super) name: &'static str,
    /// What a unit of it is, in the plural.
    pub(super) units: &'static str,
    /// The command of the probe that watches such work.
    pub(super) watched_by: &'static str,
}

/// All of them.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "ping-pong",
        units: "64-byte TCP round trips",
        watched_by: "graph",
    },
    Kind {
        name: "connections",
        units: "short connections",
        watched_by: "graph",
    },
    Kind {
        name: "transfers",
        units: "1 MiB transfers",
        watched_by: "graph",
    },
    Kind {
        name: "datagrams",
        units: "UDP round trips",
        watched_by: "graph",
    },
    Kind {
        name: "execs",
        units: "programs run",
        watched_by: "events",
    },
    Kind {
        name: "writes",
        units: "writes to /dev/null",
        watched_by: "graph",
    },
];

/// `workload load`, built.
pub(super) struct Program {
    binary: PathBuf,
    cpu: u32,
}

impl Program {
    pub(super) fn build(cpu: u32) -> Result<Self> {
        let binary = workload::binary()?;
        Ok(Self { binary, cpu })
    }

    /// One run, pinned, to its end.
    pub(super) fn run(&self, kind: &Kind, seconds: u64, stop: &Stop) -> Result<Done> {
        self.start(&[kind.name], seconds, true)?.finish(stop)
    }

    /// Starts a run in a network namespace of its own, pinned or where the kernel wants it.
    pub(super) fn start(&self, words: &[&str], seconds: u64, pinned: bool) -> Result<Run> {
        let cpu = self.cpu.to_string();
        let mut line = Line::new("unshare").args(["--net", "sh", "-c", WITH_LOOPBACK]);
        if pinned {
            line = line.args(["taskset", "--cpu-list", &cpu]);
        }
        let line = line.arg(&self.binary).arg("load").args(words);
        let line = line.arg("--seconds").arg(seconds.to_string());
        let mut child = line
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{line}`"))?;
        let stdout = child.stdout.take().context("a load has no output")?;
        Ok(Run {
            child,
            stdout: BufReader::new(stdout),
            deadline: Duration::from_secs(seconds) + GRACE,
            line,
        })
    }
}

/// A run that goes on; killed when dropped.
pub(super) struct Run {
    child: Child,
    stdout: BufReader<ChildStdout>,
    deadline: Duration,
    line: Line,
}

impl Run {
    /// Waits until it has said its next line.
    pub(super) fn says(&mut self) -> Result<String> {
        let mut said = String::new();
        let read = self.stdout.read_line(&mut said);
        if read.context("cannot read a load's output")? == 0 {
            bail!("`{}` ended too early", self.line);
        }
        Ok(said)
    }

    /// Waits until it ends; what it did.
    pub(super) fn finish(mut self, stop: &Stop) -> Result<Done> {
        let status = wait::until("a load ends", self.deadline, || {
            stop.check()?;
            Ok(self.child.try_wait()?)
        })?;
        if !status.success() {
            bail!("`{}` failed: {status}", self.line);
        }
        let said = self.says()?;
        serde_json::from_str(&said).with_context(|| format!("not what a load did: {said}"))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // After its end there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
