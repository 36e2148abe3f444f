//! Events, one a line.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::units::printable;
use crate::{
    identity::{Container, Directory},
    kernel::records::{Record, What},
};

/// One event, as JSON has it and as text is made of.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Event {
    /// RFC 3339, UTC.
    time: String,
    /// `exec`, `fork`, `exit`, `cgroup-made` or `cgroup-removed`.
    #[serde(rename = "type")]
    kind: Cow<'static, str>,
    /// The cgroup it happened in: the inode of its directory.
    cgroup_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<EventContainer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    /// The executable of an exec, the path of a cgroup.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<u8>,
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
    /// The record, with the container its cgroup belongs to. `time` is when it happened.
    #[must_use]
    pub fn new(record: Record, time: Timestamp, directory: &Directory) -> Self {
        let mut event = Self {
            time: format!("{time:.6}"),
            kind: "".into(),
            cgroup_id: record.cgroup.0,
            container: directory
                .container_of(record.cgroup)
                .map(|container| EventContainer::from(&*container)),
            pid: None,
            parent: None,
            uid: None,
            command: None,
            path: None,
            status: None,
            signal: None,
        };
        match record.what {
            What::Exec {
                pid,
                parent,
                uid,
                command,
                path,
            } => {
                event.kind = "exec".into();
                event.pid = Some(pid.0);
                event.parent = Some(parent.0);
                event.uid = Some(uid);
                event.command = Some(command);
                event.path = Some(path);
            }
            What::Fork {
                pid,
                parent,
                command,
            } => {
                event.kind = "fork".into();
                event.pid = Some(pid.0);
                event.parent = Some(parent.0);
                event.command = Some(command);
            }
            What::Exit {
                pid,
                status,
                signal,
                command,
            } => {
                event.kind = "exit".into();
                event.pid = Some(pid.0);
                event.command = Some(command);
                event.status = Some(status);
                event.signal = Some(signal);
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
        let mut rest = self.path.clone().unwrap_or_default();
        match (self.status, self.signal) {
            (_, Some(signal)) if signal != 0 => rest = format!("signal {signal}"),
            (Some(status), _) => rest = format!("status {status}"),
            _ => {}
        }
        let line = format!(
            "{} {:<14} {container:<20} {process:<24} {}",
            self.time,
            self.kind,
            printable(&rest)
        );
        line.trim_end().to_owned()
    }
}
