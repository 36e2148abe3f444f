//! Processes as a table, one a line.

use std::sync::Arc;

use comfy_table::{CellAlignment, Table, presets::NOTHING};

use super::units::printable;
use crate::identity::{Container, Directory, layout, process::Process};

/// A process and the container it belongs to.
#[derive(Clone, Debug)]
pub struct Row {
    /// The process.
    pub process: Process,
    /// Its container, by its cgroup's path.
    pub container: Option<Arc<Container>>,
}

impl Row {
    /// Finds the container of a process: by its path alone where the directory has not heard of it.
    #[must_use]
    pub fn new(process: Process, directory: &Directory) -> Self {
        let found = process.cgroup.as_deref().and_then(layout::container_in);
        let container = found.map(|found| {
            let known = directory.container(&found.id);
            known.unwrap_or_else(|| Arc::new(Container::new(found.id, found.runtime)))
        });
        Self { process, container }
    }
}

/// In columns: pids, parent, user, start, container, command line.
#[must_use]
pub fn table(rows: impl Iterator<Item = Row>) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header([
        "PID",
        "VPID",
        "PPID",
        "UID",
        "STARTED",
        "CONTAINER",
        "COMMAND",
    ]);
    for Row { process, container } in rows {
        let dash = || "-".to_owned();
        table.add_row([
            process.pid.to_string(),
            process.inner_pid.map_or_else(dash, |pid| pid.to_string()),
            process.parent.to_string(),
            process.uid.to_string(),
            process
                .started
                .map_or_else(dash, |time| format!("{time:.0}")),
            container.map_or_else(dash, |container| printable(container.display_name())),
            command(&process),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        if index < 4 {
            column.set_cell_alignment(CellAlignment::Right);
        }
        column.set_padding((0, 2));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The command line; a kernel thread's name in brackets, as `ps` has it.
fn command(process: &Process) -> String {
    if process.command_line.is_empty() {
        format!("[{}]", printable(&process.command))
    } else {
        printable(&process.command_line)
    }
}
