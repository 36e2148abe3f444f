//! Processes as JSON, schema `probe.ps/v1`.

use serde::Serialize;

use crate::views::processes::Row;

#[derive(Serialize)]
struct WireList {
    schema: &'static str,
    processes: Vec<WireProcess>,
}

#[derive(Serialize)]
struct WireProcess {
    pid: u32,
    parent: u32,
    vpid: Option<u32>,
    uid: u32,
    started: Option<String>,
    command: String,
    command_line: String,
    executable: Option<String>,
    cgroup: Option<String>,
    container: Option<WireContainer>,
}

#[derive(Serialize)]
struct WireContainer {
    id: String,
    name: Option<String>,
    image: Option<String>,
}

/// One document and a line feed.
pub fn text(rows: impl Iterator<Item = Row>) -> serde_json::Result<String> {
    let list = WireList {
        schema: "probe.ps/v1",
        processes: rows.map(wire).collect(),
    };
    Ok(serde_json::to_string_pretty(&list)? + "\n")
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
