//! Processes: what each uses, and what those did that are gone already.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::{
    ended::{self, Ended, EndedReading},
    look::{Listed, Look},
    sheet::{Cell, Column, Line, Of, Show},
};
use crate::{
    identity::{
        Directory,
        process::{ProcessUsage, cut},
    },
    ids::Pid,
    kernel::records::{Birth, Record, What},
    views::{processes::Row, units::printable},
};

/// In the order of [`lines`].
#[rustfmt::skip]
pub const COLUMNS: [Column; 13] = [
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
    Column { key: "ended", title: "ENDED", show: Show::Wide },
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
    ended: Ended,
}

impl ProcessMeter {
    /// Takes in how a process ended. What it had used when it was listed counted then.
    pub(super) fn take_in(&mut self, record: &Record) {
        if let What::Exit {
            birth,
            command,
            ran,
            ..
        } = &record.what
            && self.looked.is_some()
        {
            let before = self.before.get(&key(birth));
            let counted = before.map_or(Duration::ZERO, |(_, usage)| usage.cpu);
            let cpu = ran.saturating_sub(counted);
            self.ended.add(record.cgroup, command, cpu);
        }
    }

    pub(super) fn look(
        &mut self,
        listed: Listed,
        directory: &Directory,
    ) -> (Vec<ProcessReading>, Vec<EndedReading>) {
        let at = Instant::now();
        let mut now = HashMap::new();
        let readings = listed
            .processes
            .into_iter()
            .map(|process| {
                let key = (process.pid, process.began);
                let before = self.before.get(&key).copied();
                // One that was not listed then has used all of it since.
                let before = before.or_else(|| Some((self.looked?, ProcessUsage::default())));
                let usage = match &before {
                    // Its record tells of the rest.
                    Some((_, before)) if process.usage.ended => ProcessUsage {
                        cpu: before.cpu,
                        ..process.usage
                    },
                    _ => process.usage,
                };
                now.insert(key, (at, usage));
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
        // Who was listed ended in the next interval.
        let (next, this): (Vec<_>, Vec<_>) = listed.ended.into_iter().partition(
            |record| matches!(&record.what, What::Exit { birth, .. } if now.contains_key(&key(birth))),
        );
        for record in &this {
            self.take_in(record);
        }
        let time = self
            .looked
            .map(|before| at.saturating_duration_since(before));
        let ended = self.ended.take(directory, time.unwrap_or_default());
        self.before = now;
        self.looked = Some(at);
        for record in &next {
            self.take_in(record);
        }
        (readings, ended)
    }
}

/// As a listing tells it apart.
fn key(birth: &Birth) -> (Pid, Option<Duration>) {
    (birth.pid, Some(cut(birth.began)))
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
                Cell::Count(None),
                Cell::text(process.command.clone()),
                Cell::text(command),
            ],
        }
    };
    let running = look.processes.iter().map(line);
    running.chain(look.ended.iter().map(ended::line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        identity::process::Process,
        ids::{CgroupId, Nanos},
    };

    const BEGAN: Duration = Duration::from_secs(50);

    fn listed(pid: u32, cpu: u64, ended: bool) -> Process {
        Process {
            pid: Pid(pid),
            parent: Pid(1),
            inner_pid: None,
            uid: 0,
            began: Some(BEGAN),
            started: None,
            command: "work".to_owned(),
            command_line: String::new(),
            executable: None,
            cgroup: None,
            usage: ProcessUsage {
                cpu: Duration::from_millis(cpu),
                ended,
                ..ProcessUsage::default()
            },
        }
    }

    fn exit(pid: u32, ran: u64) -> Record {
        Record {
            time: Nanos(0),
            cgroup: CgroupId(0),
            what: What::Exit {
                birth: Birth {
                    pid: Pid(pid),
                    inner_pid: None,
                    parent: Pid(1),
                    // To the nanosecond, where a listing has ticks.
                    began: BEGAN + Duration::from_nanos(7),
                },
                status: 0,
                signal: 0,
                command: "work".to_owned(),
                lived: Duration::from_secs(1),
                ran: Duration::from_millis(ran),
            },
        }
    }

    /// Milliseconds of CPU of those that ended.
    fn ended(readings: &[EndedReading]) -> Vec<(u64, u128)> {
        let figures = readings
            .iter()
            .map(|reading| (reading.count, reading.cpu.as_millis()));
        figures.collect()
    }

    #[test]
    fn an_end_counts_once_and_only_what_no_listing_has() {
        let (mut meter, directory) = (ProcessMeter::default(), Directory::default());
        let mut look = |before: &[Record], processes: Vec<Process>, after: Vec<Record>| {
            for record in before {
                meter.take_in(record);
            }
            let listed = Listed {
                processes,
                ended: after,
            };
            let (readings, brief) = meter.look(listed, &directory);
            let grown = readings.iter().map(|reading| reading.cpu_percent);
            (grown.collect::<Vec<_>>(), ended(&brief))
        };
        // Nobody has looked yet: what ended before was before.
        assert_eq!(look(&[exit(9, 5)], vec![], vec![]).1, []);
        look(&[], vec![listed(1, 100, false)], vec![]);
        // One that was listed has used 20 ms more, one that was not all of its own.
        let (_, brief) = look(&[exit(1, 120), exit(2, 30)], vec![], vec![]);
        assert_eq!(brief, [(2, 50)]);
        // It is listed, and ends before the records are read: that is the next interval's.
        let (_, brief) = look(
            &[],
            vec![listed(3, 10, false)],
            vec![exit(3, 15), exit(4, 1)],
        );
        assert_eq!(brief, [(1, 1)]);
        assert_eq!(look(&[], vec![], vec![]).1, [(1, 5)]);
        // One that has ended and is still listed counts by its record alone, whenever that comes.
        look(&[], vec![listed(5, 40, false)], vec![]);
        let (grown, brief) = look(&[], vec![listed(5, 70, true)], vec![exit(5, 70)]);
        assert_eq!((grown, brief), (vec![Some(0.0)], vec![]));
        let (grown, brief) = look(&[], vec![listed(5, 70, true)], vec![]);
        assert_eq!((grown, brief), (vec![Some(0.0)], vec![(1, 30)]));
        assert_eq!(look(&[], vec![listed(5, 70, true)], vec![]).1, []);
    }
}
