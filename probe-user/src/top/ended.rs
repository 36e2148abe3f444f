//! Processes that have ended since the look before: what they used that no listing has seen, by command.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use super::sheet::{Cell, Line, Of};
use crate::{
    identity::{Container, Directory},
    ids::CgroupId,
    views::units::printable,
};

/// Commands of cgroups that are told apart within an interval; all others are one.
const MAX_COMMANDS: usize = 4096;

/// What processes of one command have used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Used {
    count: u64,
    cpu: Duration,
}

/// Those since the look before.
#[derive(Debug, Default)]
pub(super) struct Ended {
    used: HashMap<(CgroupId, String), Used>,
    rest: Used,
}

/// Processes of one command of a container that have ended, added up.
#[derive(Clone, Debug)]
pub struct EndedReading {
    /// At most 15 bytes; `None` of those that found no room to be told apart.
    pub command: Option<String>,
    /// `None` outside containers.
    pub container: Option<Arc<Container>>,
    /// How many they are.
    pub count: u64,
    /// What they used since the look before, or since they began.
    pub cpu: Duration,
    /// 100 is one CPU; `None` when no time has passed.
    pub cpu_percent: Option<f64>,
}

impl Ended {
    pub(super) fn add(&mut self, cgroup: CgroupId, command: &str, cpu: Duration) {
        let room = self.used.len() < MAX_COMMANDS;
        let used = match self.used.entry((cgroup, command.to_owned())) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) if room => entry.insert(Used::default()),
            Entry::Vacant(_) => &mut self.rest,
        };
        used.count += 1;
        used.cpu += cpu;
    }

    /// What came since the last time, within `time`.
    pub(super) fn take(&mut self, directory: &Directory, time: Duration) -> Vec<EndedReading> {
        let percent = |cpu: Duration| {
            let time = time.as_secs_f64();
            (time > 0.0).then(|| cpu.as_secs_f64() / time * 100.0)
        };
        let reading = |command, container, used: Used| EndedReading {
            command,
            container,
            count: used.count,
            cpu: used.cpu,
            cpu_percent: percent(used.cpu),
        };
        // A container may have several cgroups, each of which ran the command.
        let mut by_container = BTreeMap::new();
        for ((cgroup, command), used) in self.used.drain() {
            let container = directory.container_of(cgroup);
            let id = container.as_ref().map(|container| container.id.clone());
            let (_, sum) = by_container
                .entry((id, command))
                .or_insert((container, Used::default()));
            sum.count += used.count;
            sum.cpu += used.cpu;
        }
        let told = by_container.into_iter();
        let told =
            told.map(|((_, command), (container, used))| reading(Some(command), container, used));
        let rest = std::mem::take(&mut self.rest);
        let rest = (rest.count > 0).then(|| reading(None, None, rest));
        told.chain(rest).collect()
    }
}

/// A line of the sheet of processes, in the order of its columns.
pub(super) fn line(reading: &EndedReading) -> Line {
    let container = reading.container.as_ref();
    let container = container.map(|container| container.display_name().to_owned());
    let command = reading.command.as_deref().map(printable);
    let shown = match &command {
        Some(command) => format!("{command} (ended)"),
        None => "others (ended)".to_owned(),
    };
    Line {
        of: Of::Other(format!("{container:?} {shown}")),
        cells: vec![
            Cell::Count(None),
            Cell::Count(None),
            Cell::Count(None),
            Cell::Count(None),
            Cell::Text(container),
            Cell::Percent(reading.cpu_percent),
            Cell::Percent(None),
            Cell::Seconds(Some(reading.cpu.as_secs_f64())),
            Cell::Bytes(None),
            Cell::Count(None),
            Cell::Count(Some(reading.count)),
            Cell::Text(command),
            Cell::text(shown),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroups_of_a_container_are_one_and_what_finds_no_room_is_another() {
        let directory = Directory::default();
        let id = "a".repeat(64);
        directory.cgroup_made(CgroupId(1), &format!("/docker/{id}"));
        directory.cgroup_made(CgroupId(2), &format!("/docker/{id}/inner"));
        let mut ended = Ended::default();
        let brief = Duration::from_millis(5);
        for cgroup in [1, 1, 2, 9] {
            ended.add(CgroupId(cgroup), "true", brief);
        }
        let readings = ended.take(&directory, Duration::from_secs(1));
        let figures = |reading: &EndedReading| {
            let inside = reading.container.is_some();
            (inside, reading.command.clone(), reading.count, reading.cpu)
        };
        let name = Some("true".to_owned());
        let expected = [(false, name.clone(), 1, brief), (true, name, 3, 3 * brief)];
        assert_eq!(readings.iter().map(figures).collect::<Vec<_>>(), expected);
        assert_eq!(readings[1].cpu_percent, Some(1.5));

        for number in 0..=MAX_COMMANDS {
            ended.add(CgroupId(1), &format!("command-{number}"), brief);
        }
        let readings = ended.take(&directory, Duration::ZERO);
        let last = readings.last().unwrap();
        assert_eq!(figures(last), (false, None, 1, brief));
        assert_eq!((readings.len(), last.cpu_percent), (MAX_COMMANDS + 1, None));
        assert!(ended.take(&directory, brief).is_empty());
    }
}
