//! Events, one a line.

mod connection;
mod fields;

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::units::printable;
use crate::{
    identity::{
        Container,
        layout::container_in,
        lives::Turn,
        process::Process,
        workload::{Host, Workload},
    },
    ids::CgroupId,
    kernel::{
        connections::Connection,
        records::{Birth, Record, What},
    },
};
use connection::EventConnection;
pub use fields::EventRecord;

/// One event, as JSON has it and as text is made of.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Event {
    /// RFC 3339, UTC.
    time: String,
    /// `exec`, `fork`, `exit`, `oom-kill`, `cgroup-made`, `cgroup-removed`, `container-start` or
    /// `container-stop`; not of an agent's also `connect`, `accept` and `close`.
    #[serde(rename = "type")]
    kind: Cow<'static, str>,
    /// The cgroup it happened in: the inode of its directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<EventContainer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    /// Its id in the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    vpid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    /// The executable, the path of a cgroup.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The program with its arguments, at most 4,096 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    command_line: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<u8>,
    /// From fork to exit.
    #[serde(skip_serializing_if = "Option::is_none")]
    run_seconds: Option<f64>,
    /// CPU time of an exited process's first thread and of those that ended before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_seconds: Option<f64>,
    /// Of a connection, which an agent does not watch one by one.
    #[serde(flatten)]
    #[schema(ignore)]
    connection: Option<EventConnection>,
    /// Whose it is, for filters.
    #[serde(skip)]
    of: Option<Arc<Container>>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct EventContainer {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
}

impl From<&Container> for EventContainer {
    fn from(container: &Container) -> Self {
        Self {
            id: container.id.to_string(),
            name: container.name.clone(),
            image: container.image.clone(),
        }
    }
}

impl Event {
    /// The record, with the container its cgroup belongs to and what is known of its `process`.
    /// `time` is when it happened.
    #[must_use]
    pub fn new(record: Record, time: Timestamp, known: &Host, process: Option<&Process>) -> Self {
        let directory = &known.directory;
        let mut of = directory.container_of(record.cgroup);
        if record.cgroup == CgroupId(0)
            && let Some(path) = process.and_then(|process| process.cgroup.as_deref())
        {
            of = container_in(path).and_then(|found| directory.container(&found.id));
        }
        let of = of.map(|container| known.placed(container));
        let mut event = Self {
            cgroup_id: (record.cgroup != CgroupId(0)).then_some(record.cgroup.0),
            ..Self::bare(time, "", of)
        };
        if let Some(process) = process {
            event.uid = Some(process.uid);
            let line = &process.command_line;
            event.command_line = (!line.is_empty()).then(|| line.clone());
            let path = process.executable.as_deref();
            event.path = path.map(|path| path.to_string_lossy().into_owned());
        }
        match record.what {
            What::Exec {
                birth,
                uid,
                command,
                path,
                command_line,
            } => {
                event.process("exec", birth, command);
                event.uid = Some(uid);
                event.path = Some(path);
                event.command_line = command_line.or(event.command_line);
            }
            What::Fork { birth, command } => event.process("fork", birth, command),
            What::Exit {
                birth,
                status,
                signal,
                command,
                lived,
                ran,
            } => {
                event.process("exit", birth, command);
                event.status = Some(status);
                event.signal = Some(signal);
                event.run_seconds = Some(lived.as_secs_f64());
                event.cpu_seconds = Some(ran.as_secs_f64());
            }
            What::OomKill { pid, command } => {
                event.kind = "oom-kill".into();
                // A thread's id names it only as long as nothing better is known.
                event.pid = Some(process.map_or(pid, |process| process.pid).0);
                event.vpid = process
                    .and_then(|process| process.inner_pid)
                    .map(|pid| pid.0);
                event.parent = process.map(|process| process.parent.0);
                event.command = command.or_else(|| process.map(|known| known.command.clone()));
            }
            What::Connection(connection) => event.connected(&connection, known, process),
            What::CgroupMade { path } => {
                event.kind = "cgroup-made".into();
                event.path = Some(path);
            }
            What::CgroupRemoved => {
                event.kind = "cgroup-removed".into();
                event.path = directory
                    .path_of(record.cgroup)
                    .map(|path| path.to_string());
            }
        }
        event
    }

    /// A container started or stopped; `now` stands for a time that no engine tells.
    #[must_use]
    pub fn of_turn(turn: Turn, now: Timestamp) -> Self {
        let kind = if turn.started {
            "container-start"
        } else {
            "container-stop"
        };
        Self {
            cgroup_id: turn.container.cgroup.map(|cgroup| cgroup.0),
            ..Self::bare(turn.at.unwrap_or(now), kind, Some(turn.container))
        }
    }

    fn connected(&mut self, connection: &Connection, known: &Host, process: Option<&Process>) {
        self.kind = connection::kind(&connection.change).into();
        self.pid = connection.pid.map(|pid| pid.0);
        self.vpid = process
            .and_then(|process| process.inner_pid)
            .map(|pid| pid.0);
        self.parent = process.map(|process| process.parent.0);
        self.command = (!connection.command.is_empty()).then(|| connection.command.clone());
        let own = match &self.of {
            Some(container) => Workload::Container(Arc::clone(container)),
            None => Workload::Host,
        };
        self.connection = Some(EventConnection::new(connection, &own, known));
    }

    fn process(&mut self, kind: &'static str, birth: Birth, command: String) {
        self.kind = kind.into();
        self.pid = Some(birth.pid.0);
        self.vpid = birth.inner_pid.map(|pid| pid.0);
        self.parent = Some(birth.parent.0);
        self.command = Some(command);
    }

    fn bare(time: Timestamp, kind: &'static str, of: Option<Arc<Container>>) -> Self {
        Self {
            time: format!("{time:.6}"),
            kind: kind.into(),
            cgroup_id: None,
            container: of.as_deref().map(EventContainer::from),
            pid: None,
            vpid: None,
            parent: None,
            uid: None,
            command: None,
            path: None,
            command_line: None,
            status: None,
            signal: None,
            run_seconds: None,
            cpu_seconds: None,
            connection: None,
            of,
        }
    }

    /// The event in columns: time, kind, container, command and pid, and what else there is.
    #[must_use]
    pub fn text(&self) -> String {
        let container = self.container.as_ref().map_or("-", |container| {
            let id = &container.id;
            container
                .name
                .as_deref()
                .unwrap_or_else(|| id.get(..12).unwrap_or(id))
        });
        let process = match (&self.command, self.pid) {
            (Some(command), Some(pid)) => format!("{command}[{pid}]"),
            _ => "-".to_owned(),
        };
        let told = self.command_line.as_ref().or(self.path.as_ref());
        let mut rest = told.cloned().unwrap_or_default();
        if let (Some(status), Some(signal)) = (self.status, self.signal) {
            let end = match signal {
                0 => format!("status {status}"),
                signal => name_of(signal),
            };
            let seconds = |seconds: Option<f64>| seconds.unwrap_or_default();
            let (ran, cpu) = (seconds(self.run_seconds), seconds(self.cpu_seconds));
            let colon = if rest.is_empty() { "" } else { ": " };
            rest = format!("{end} after {ran:.3} s, {cpu:.3} s of CPU{colon}{rest}");
        }
        if let Some(connection) = &self.connection {
            rest = connection.text();
        }
        let line = format!(
            "{} {:<15} {container:<20} {process:<24} {rest}",
            self.time, self.kind
        );
        // Whatever it has of a process, which may call itself what it likes, or of an agent.
        printable(line.trim_end())
    }
}

/// `signal 9 (SIGKILL)`; real-time signals have no names.
fn name_of(signal: u8) -> String {
    let name = Signal::try_from(i32::from(signal));
    name.map_or_else(
        |_| format!("signal {signal}"),
        |name| format!("signal {signal} ({name})"),
    )
}

#[cfg(test)]
mod tests;
