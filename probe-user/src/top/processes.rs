//! Processes: what each uses.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::{
    look::Look,
    sheet::{Cell, Column, Line, Of, Show},
};
use crate::{
    identity::{
        Directory,
        process::{Process, ProcessUsage},
    },
    ids::Pid,
    views::{processes::Row, units::printable},
};

/// In the order of [`lines`].
#[rustfmt::skip]
pub const COLUMNS: [Column; 12] = [
    Column { key: "pid", title: "PID", show: Show::Always },
    Column { key: "vpid", title: "VPID", show: Show::Wide },
    Column { key: "parent", title: "PPID", show: Show::Never },
    Column { key: "uid", title: "UID", show: Show::Wide },
    Column { key: "container", title: "CONTAINER", show: Show::Always },
    Column { key: "cpu", title: "CPU%", show: Show::Always },
    Column { key: "cpu_children", title: "CHILDREN%", show: Show::Always },
    Column { key: "cpu_seconds", title: "CPU TIME", show: Show::Wide },
    Column { key: "memory", title: "MEMORY", show: Show::Always },
    Column { key: "threads", title: "THREADS", show: Show::Wide },
    Column { key: "name", title: "NAME", show: Show::Never },
    Column { key: "command_line", title: "COMMAND", show: Show::Always },
];

/// What a process uses.
#[derive(Clone, Debug)]
pub struct ProcessReading {
    /// The process, and its container.
    pub row: Row,
    /// 100 is one CPU.
    pub cpu_percent: Option<f64>,
    /// CPU of children that ended and were waited for since: what brief programs cost.
    pub children_percent: Option<f64>,
}

/// The listing before. As many entries as processes run.
#[derive(Debug, Default)]
pub(super) struct ProcessMeter {
    looked: Option<Instant>,
    /// A pid is reused: a process is a pid and the moment it began.
    before: HashMap<(Pid, Option<Duration>), (Instant, ProcessUsage)>,
}

impl ProcessMeter {
    pub(super) fn look(
        &mut self,
        listed: Vec<Process>,
        directory: &Directory,
    ) -> Vec<ProcessReading> {
        let at = Instant::now();
        let mut now = HashMap::new();
        let readings = listed
            .into_iter()
            .map(|process| {
                let key = (process.pid, process.began);
                let before = self.before.get(&key).copied();
                // One that was not listed then has used all of it since.
                let before = before.or_else(|| Some((self.looked?, ProcessUsage::default())));
                now.insert(key, (at, process.usage));
                let usage = process.usage;
                let since = |figure: fn(&ProcessUsage) -> Duration| {
                    let (then, before) = before.as_ref()?;
                    let time = at.saturating_duration_since(*then).as_secs_f64();
                    let grown = figure(&usage).checked_sub(figure(before))?;
                    (time > 0.0).then(|| grown.as_secs_f64() / time * 100.0)
                };
                ProcessReading {
                    cpu_percent: since(|usage| usage.cpu),
                    children_percent: since(|usage| usage.children),
                    row: Row::new(process, directory),
                }
            })
            .collect();
        self.before = now;
        self.looked = Some(at);
        readings
    }
}

pub(super) fn lines(look: &Look<'_>) -> Vec<Line> {
    let line = |reading: &ProcessReading| {
        let Row { process, container } = &reading.row;
        let command = if process.command_line.is_empty() {
            format!("[{}]", printable(&process.command))
        } else {
            process.command_line.clone()
        };
        let name = |container: &std::sync::Arc<crate::identity::Container>| {
            container.display_name().to_owned()
        };
        Line {
            of: Of::Process(process.pid),
            cells: vec![
                Cell::Count(Some(process.pid.0.into())),
                Cell::Count(process.inner_pid.map(|pid| pid.0.into())),
                Cell::Count(Some(process.parent.0.into())),
                Cell::Count(Some(process.uid.into())),
                Cell::Text(container.as_ref().map(name)),
                Cell::Percent(reading.cpu_percent),
                Cell::Percent(reading.children_percent),
                Cell::Seconds(Some(process.usage.cpu.as_secs_f64())),
                Cell::Bytes(Some(process.usage.resident)),
                Cell::Count(Some(process.usage.threads)),
                Cell::text(process.command.clone()),
                Cell::text(command),
            ],
        }
    };
    look.processes.iter().map(line).collect()
}
