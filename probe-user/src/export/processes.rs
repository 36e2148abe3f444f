//! Processes as JSON, schema `probe.ps/v1`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    identity::{
        Container, ContainerId,
        layout::Runtime,
        process::{Process, ProcessUsage},
    },
    ids::Pid,
    views::processes::Row,
};

/// The name and version of the format.
pub const SCHEMA: &str = "probe.ps/v1";

/// Processes with their containers.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = ProcessList)]
pub struct List {
    /// `probe.ps/v1`.
    schema: String,
    /// By pid.
    processes: Vec<WireProcess>,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = Process)]
struct WireProcess {
    /// In the host's pid namespace.
    pid: u32,
    /// Its parent there; 0 for none.
    parent: u32,
    /// In its own pid namespace.
    vpid: Option<u32>,
    /// Effective user id.
    uid: u32,
    /// RFC 3339.
    started: Option<String>,
    /// At most 15 bytes.
    command: String,
    /// Arguments, the program first; empty for a kernel thread, or when they are not to be told.
    command_line: String,
    /// The program's file.
    executable: Option<String>,
    /// Its cgroup's path: in version 2, unless version 1 alone tells of its container.
    cgroup: Option<String>,
    /// The container it belongs to.
    container: Option<WireContainer>,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = ProcessContainer)]
struct WireContainer {
    /// The runtime's id.
    id: String,
    /// Without a leading slash.
    name: Option<String>,
    /// As it was asked for.
    image: Option<String>,
}

impl List {
    /// The document of these processes.
    pub fn of(rows: impl Iterator<Item = Row>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            processes: rows.map(wire).collect(),
        }
    }

    /// The processes of a document; of their containers, id, name and image.
    pub fn rows(self) -> impl Iterator<Item = Row> {
        self.processes.into_iter().map(row)
    }
}

/// One document and a line feed.
pub fn text(rows: impl Iterator<Item = Row>) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(&List::of(rows))? + "\n")
}

fn wire(Row { process, container }: Row) -> WireProcess {
    WireProcess {
        pid: process.pid.0,
        parent: process.parent.0,
        vpid: process.inner_pid.map(|pid| pid.0),
        uid: process.uid,
        started: process.started.map(|time| format!("{time:.2}")),
        command: process.command,
        command_line: process.command_line,
        executable: process.executable.map(|path| path.display().to_string()),
        cgroup: process.cgroup.map(|path| path.to_string()),
        container: container.map(|container| WireContainer {
            id: container.id.to_string(),
            name: container.name.clone(),
            image: container.image.clone(),
        }),
    }
}

fn row(process: WireProcess) -> Row {
    let container = process.container.map(|known| {
        let mut container = Container::new(ContainerId::new(&known.id), Runtime::Docker);
        container.name = known.name;
        container.image = known.image;
        Arc::new(container)
    });
    Row {
        process: Process {
            pid: Pid(process.pid),
            parent: Pid(process.parent),
            inner_pid: process.vpid.map(Pid),
            uid: process.uid,
            began: None,
            started: process.started.and_then(|time| time.parse().ok()),
            command: process.command,
            command_line: process.command_line,
            executable: process.executable.map(Into::into),
            cgroup: process.cgroup.map(Into::into),
            // The document has no figures of that kind.
            usage: ProcessUsage::default(),
        },
        container,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::processes::table;

    const DOCUMENT: &str = r#"{"schema":"probe.ps/v1","processes":[{"pid":7,"parent":1,"vpid":2,
        "uid":0,"started":"2026-11-21T05:00:00.25Z","command":"sh","command_line":"sh -c true",
        "executable":"/bin/sh","cgroup":"/docker/x","container":{"id":"x","name":"web","image":null}}]}"#;

    #[test]
    fn a_document_is_read_back_as_it_was() {
        let read = |text: &str| serde_json::from_str::<List>(text).unwrap().rows();
        let again = text(read(DOCUMENT)).unwrap();
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&again), value(DOCUMENT));
        assert!(table(read(DOCUMENT)).contains("web"));
    }
}
