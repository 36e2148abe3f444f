//! Events, one a line.

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::units::printable;
use crate::{
    filter::{self, Field, Value, of::ContainerFields},
    identity::{Container, Directory, lives::Turn, process::Process},
    kernel::records::{Birth, Record, What},
};

/// One event, as JSON has it and as text is made of.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Event {
    /// RFC 3339, UTC.
    time: String,
    /// `exec`, `fork`, `exit`, `cgroup-made`, `cgroup-removed`, `container-start` or
    /// `container-stop`.
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
    pub fn new(
        record: Record,
        time: Timestamp,
        directory: &Directory,
        process: Option<&Process>,
    ) -> Self {
        let of = directory.container_of(record.cgroup);
        let mut event = Self {
            cgroup_id: Some(record.cgroup.0),
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
        let line = format!(
            "{} {:<15} {container:<20} {process:<24} {rest}",
            self.time, self.kind
        );
        // Whatever it has of a process, which may call itself what it likes, or of an agent.
        printable(line.trim_end())
    }
}

fn text(text: Option<&String>) -> Option<Value<'_>> {
    text.map(|text| Value::Text(text))
}

/// `signal 9 (SIGKILL)`; real-time signals have no names.
fn name_of(signal: u8) -> String {
    let name = Signal::try_from(i32::from(signal));
    name.map_or_else(
        |_| format!("signal {signal}"),
        |name| format!("signal {signal} ({name})"),
    )
}

/// An event on the host called `host`.
#[derive(Clone, Copy, Debug)]
pub struct EventRecord<'a> {
    /// The event.
    pub event: &'a Event,
    /// Where it happened.
    pub host: &'a str,
}

impl filter::Record for EventRecord<'_> {
    fn each(&self, field: Field, key: &str, tell: &mut dyn FnMut(Value<'_>)) {
        let event = self.event;
        let number = |number: Option<u32>| number.map(|number| Value::Number(number.into()));
        match field {
            Field::EvtType => tell(Value::Text(&event.kind)),
            Field::EvtFailed => {
                if let (Some(status), Some(signal)) = (event.status, event.signal) {
                    tell(Value::Flag(status != 0 || signal != 0));
                }
            }
            Field::ProcPid => number(event.pid).into_iter().for_each(tell),
            Field::ProcVpid => number(event.vpid).into_iter().for_each(tell),
            Field::ProcPpid => number(event.parent).into_iter().for_each(tell),
            Field::ProcUid => number(event.uid).into_iter().for_each(tell),
            Field::ProcName => text(event.command.as_ref()).into_iter().for_each(tell),
            Field::ProcCmdline => text(event.command_line.as_ref()).into_iter().for_each(tell),
            // Of a cgroup, the path is no program's.
            Field::ProcExe if event.pid.is_some() => {
                text(event.path.as_ref()).into_iter().for_each(tell);
            }
            Field::HostName => tell(Value::Text(self.host)),
            _ => {
                if let Some(container) = &event.of {
                    let addresses = container.addresses();
                    ContainerFields::from(&**container).each(field, key, addresses, tell);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        filter::Filter,
        identity::processes::Processes,
        ids::{CgroupId, Nanos, Pid},
    };

    const ID: &str = "3f2a1b4c5d6e7f8091a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4";

    fn event(what: What) -> Event {
        let directory = Directory::default();
        directory.cgroup_made(CgroupId(7), &format!("/docker/{ID}"));
        let record = Record {
            time: Nanos(1),
            cgroup: CgroupId(7),
            what,
        };
        let time = "2026-01-02T03:04:05Z".parse().unwrap();
        let process = Processes::default().take_in(&record);
        Event::new(record, time, &directory, process.as_deref())
    }

    const BIRTH: Birth = Birth {
        pid: Pid(12),
        inner_pid: Some(Pid(3)),
        parent: Pid(1),
        began: Duration::from_secs(7),
    };

    fn exec() -> Event {
        event(What::Exec {
            birth: BIRTH,
            uid: 0,
            command: "sh".to_owned(),
            path: "/bin/sh".to_owned(),
            command_line: Some("sh -c \u{1b}[31mred".to_owned()),
        })
    }

    fn exit(status: u8, signal: u8) -> Event {
        event(What::Exit {
            birth: BIRTH,
            status,
            signal,
            command: "sh".to_owned(),
            lived: Duration::from_micros(1_204_500),
            ran: Duration::from_millis(38),
        })
    }

    /// What an agent may send.
    #[test]
    fn fuzz_events() {
        let seeds = [exec(), exit(3, 0), exit(0, 9)];
        let seeds = seeds.map(|event| serde_json::to_string(&event).unwrap());
        crate::fuzz::run(&seeds, |bytes| {
            let event: Event = serde_json::from_slice(bytes).ok()?;
            let told = event.text();
            assert!(!told.contains(['\u{1b}', '\n', '\r']), "{told:?}");
            let record = EventRecord {
                event: &event,
                host: "vm",
            };
            let filter: Filter = "proc.name = sh and evt.type != exit".parse().unwrap();
            Some((filter.matches(&record), told.split_whitespace().count()))
        });
    }

    #[test]
    fn what_a_process_calls_itself_cannot_act_on_a_terminal() {
        let mut event = exec();
        event.command = Some("\u{1b}]0;x\u{7}\u{202e}".to_owned());
        let told = event.text();
        assert!(!told.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{told:?}");
    }

    #[test]
    fn as_text() {
        let events = [exec(), exit(3, 0), exit(0, 9), exit(0, 34)];
        let lines: Vec<_> = events.iter().map(Event::text).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn as_json() {
        let events = [exec(), exit(3, 0)];
        let lines = events
            .iter()
            .map(|event| serde_json::to_string(event).unwrap());
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn events_pass_filters() {
        let check = |filter: &str, event: &Event, passes| {
            let filter: Filter = filter.parse().unwrap();
            let record = EventRecord {
                event,
                host: "here",
            };
            assert_eq!(filter.matches(&record), passes, "{filter}");
        };
        check(
            "evt.type = exec and proc.cmdline contains -c",
            &exec(),
            true,
        );
        check("evt.type = exit", &exec(), false);
        check("evt.failed = true", &exit(3, 0), true);
        check("evt.failed = true", &exit(0, 9), true);
        check("evt.failed = false", &exit(0, 0), true);
        check("evt.failed exists", &exec(), false);
        check(
            "container.id = 3f2a1b4c5d6e and host.name=here",
            &exec(),
            true,
        );
        check(
            "proc.exe = /bin/sh and proc.pid = 12 and proc.vpid = 3",
            &exec(),
            true,
        );
    }
}
