//! A look made by hand, for the tests of all that takes one.

use std::{sync::Arc, time::Duration};

use super::{
    Look, Talk, ended::EndedReading, files::FileReading, processes::ProcessReading,
    traffic::Flowing,
};
use crate::{
    identity::{
        Container, ContainerId, Runtime,
        process::{Process, ProcessUsage},
    },
    ids::{CgroupId, Pid},
    kernel::{
        files::{CommandsFile, FileUsed, Moved},
        flows::Counts,
    },
    topology::{Kind, Snapshot},
    usage::{Reading, Usage},
    views::processes::Row,
};

/// The shop's containers, each busier than the one before; the last of a service, and of unknown
/// figures. Every edge carried a tenth of its bytes within the last two seconds.
pub(crate) fn look(shop: &Snapshot) -> Look<'_> {
    let nodes = shop
        .graph
        .nodes()
        .filter(|node| node.kind == Kind::Container);
    let containers: Vec<Arc<Container>> = nodes
        .map(|node| {
            let id = node.id.as_str().trim_start_matches("container:");
            Arc::new(Container {
                name: Some(node.name.clone()),
                image: node.image.clone(),
                ..Container::new(ContainerId::new(id), Runtime::Docker)
            })
        })
        .collect();
    let mut readings: Vec<Reading> = containers.iter().zip(1_u32..).map(reading).collect();
    if let Some(last) = readings.last_mut() {
        let labels = [
            ("com.docker.compose.project", "shop"),
            ("com.docker.compose.service", "db"),
        ];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Arc::make_mut(&mut last.container).labels = labels.into();
        last.usage = Usage::default();
        last.cpu_percent = None;
        last.read_rate = None;
    }
    let talks: Vec<Talk<'_>> = shop
        .graph
        .edges()
        .map(|(client, server, edge)| Talk {
            client,
            server,
            edge,
            now: Flowing {
                recent: Counts {
                    opened: edge.counts.opened / 10,
                    bytes_sent: edge.counts.bytes_sent / 10,
                    bytes_received: edge.counts.bytes_received / 10,
                    ..Counts::default()
                },
                time: Duration::from_secs(2),
            },
        })
        .collect();
    let flowing: Vec<Flowing> = talks.iter().map(|talk| talk.now).collect();
    Look {
        net: super::traffic::by_node(&shop.graph, &flowing),
        talks,
        processes: containers.iter().zip(1_u32..).map(process).collect(),
        ended: containers.iter().take(1).map(ended).collect(),
        files: containers.iter().zip(1_u32..).map(file).collect(),
        readings,
    }
}

fn reading((container, number): (&Arc<Container>, u32)) -> Reading {
    Reading {
        container: Arc::clone(container),
        usage: Usage {
            cpu: Some(Duration::from_millis(1500) * number),
            throttled: None,
            memory: Some(u64::from(number) * 12_345_678),
            memory_limit: (number == 1).then_some(64 << 20),
            threads: Some(u64::from(number)),
            read: Some(4096),
            written: Some(0),
            oom_kills: Some(0),
            cpu_pressure: Some(1.5),
            memory_pressure: None,
        },
        cpu_percent: Some(f64::from(number) * 33.35),
        throttled_percent: None,
        read_rate: Some(2048.0),
        write_rate: Some(0.0),
    }
}

/// The last is what found no room.
fn file((container, number): (&Arc<Container>, u32)) -> FileReading {
    let path = format!("/var/lib/{number}/\u{1b}data");
    FileReading {
        used: FileUsed {
            cgroup: CgroupId(number.into()),
            file: (number < 4).then(|| CommandsFile {
                path,
                command: "serve".to_owned(),
            }),
            moved: Moved {
                reads: 1,
                writes: u64::from(number),
                bytes_read: 4096,
                bytes_written: u64::from(number) * 1000,
            },
        },
        container: Some(Arc::clone(container)),
        time: Duration::from_secs(2),
    }
}

fn ended(container: &Arc<Container>) -> EndedReading {
    EndedReading {
        command: Some("true".to_owned()),
        container: Some(Arc::clone(container)),
        count: 297,
        cpu: Duration::from_millis(123),
        cpu_percent: Some(12.3),
    }
}

fn process((container, number): (&Arc<Container>, u32)) -> ProcessReading {
    let process = Process {
        pid: Pid(100 + number),
        parent: Pid(1),
        inner_pid: Some(Pid(1)),
        uid: 0,
        began: None,
        started: None,
        command: "serve".to_owned(),
        command_line: format!("/bin/serve --number {number}"),
        executable: None,
        cgroup: None,
        usage: ProcessUsage {
            cpu: Duration::from_millis(250) * number,
            children: Duration::ZERO,
            resident: u64::from(number) << 20,
            threads: 1,
            ended: false,
        },
    };
    ProcessReading {
        row: Row {
            process,
            container: Some(Arc::clone(container)),
        },
        cpu_percent: Some(f64::from(number) * 10.0),
        children_percent: (number > 1).then_some(0.0),
    }
}
