//! Files: what each command of a container reads from and writes to them.
//!
//! All of it is of the last interval: a file that nobody used in it has no line, and the bytes of all
//! intervals add up to what the calls moved.

use std::{sync::Arc, time::Duration};

use super::{
    look::Look,
    sheet::{Cell, Column, Line, Of, Show},
};
use crate::{
    identity::{
        Container,
        workload::{Host, Workload, Workloads as _},
    },
    kernel::files::{FileUsed, FilesUsed},
    views::units::printable,
};

/// In the order of [`lines`].
#[rustfmt::skip]
pub const COLUMNS: [Column; 10] = [
    Column { key: "container", title: "CONTAINER", show: Show::Always },
    Column { key: "command", title: "COMMAND", show: Show::Always },
    Column { key: "read", title: "READ/s", show: Show::Always },
    Column { key: "written", title: "WRITTEN/s", show: Show::Always },
    Column { key: "reads", title: "READS/s", show: Show::Always },
    Column { key: "writes", title: "WRITES/s", show: Show::Always },
    Column { key: "bytes_read", title: "READ", show: Show::Wide },
    Column { key: "bytes_written", title: "WRITTEN", show: Show::Wide },
    Column { key: "rate", title: "BYTES/s", show: Show::Never },
    Column { key: "path", title: "FILE", show: Show::Always },
];

/// A file that was used.
#[derive(Clone, Debug)]
pub struct FileReading {
    /// By whom, and how much.
    pub used: FileUsed,
    /// Whose cgroup it is; `None` outside containers.
    pub container: Option<Arc<Container>>,
    /// Within which time.
    pub time: Duration,
}

/// The files that were used, with their containers.
#[must_use]
pub fn readings(used: &FilesUsed, host: &Host) -> Vec<FileReading> {
    let readings = used.files.iter().map(|file| FileReading {
        used: file.clone(),
        container: match host.in_cgroup(file.cgroup, "") {
            Workload::Container(container) => Some(container),
            _ => None,
        },
        time: used.time,
    });
    readings.collect()
}

pub(super) fn lines(look: &Look<'_>) -> Vec<Line> {
    look.files.iter().map(line).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate is drawn, where the 53rd bit does not show"
)]
fn line(reading: &FileReading) -> Line {
    let FileReading {
        used,
        container,
        time,
    } = reading;
    let rate = |amount: u64| (!time.is_zero()).then(|| amount as f64 / time.as_secs_f64());
    let moved = used.moved;
    let file = used.file.as_ref();
    let path = file.map(|file| printable(&file.path));
    let command = file.map(|file| printable(&file.command));
    let container = container.as_deref().map_or("host", Container::display_name);
    Line {
        of: Of::Other(format!("{} {command:?} {path:?}", used.cgroup.0)),
        cells: vec![
            Cell::text(container),
            Cell::Text(command),
            Cell::Rate(rate(moved.bytes_read)),
            Cell::Rate(rate(moved.bytes_written)),
            Cell::Frequency(rate(moved.reads)),
            Cell::Frequency(rate(moved.writes)),
            Cell::Bytes(Some(moved.bytes_read)),
            Cell::Bytes(Some(moved.bytes_written)),
            Cell::Rate(rate(moved.bytes_read.saturating_add(moved.bytes_written))),
            Cell::Text(path),
        ],
    }
}
