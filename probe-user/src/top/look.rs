//! What one tick found out.

use std::{collections::HashMap, sync::Arc, time::Instant};

use super::{
    Subject,
    ended::EndedReading,
    files::FileReading,
    processes::{ProcessMeter, ProcessReading},
    traffic::{Flowing, NetRates, Traffic, by_node},
};
use crate::{
    filter::{
        Filter,
        of::{ContainerRecord, EdgeRecord, EndedRecord, FileRecord, ProcessRecord},
    },
    identity::{Container, ContainerId, Directory, process::Process},
    kernel::records::Record,
    topology::{Edge, Graph, Node, NodeId},
    usage::{Hierarchies, Meter, Reading},
};

/// What is there now.
#[derive(Clone, Debug, Default)]
pub struct Look<'a> {
    /// Containers that run, by name.
    pub readings: Vec<Reading>,
    /// Processes; empty unless they were asked for.
    pub processes: Vec<ProcessReading>,
    /// What processes used that have ended since the look before.
    pub ended: Vec<EndedReading>,
    /// Who talks to whom since the start, and how much of late.
    pub talks: Vec<Talk<'a>>,
    /// What flows into and out of each that talks.
    pub net: HashMap<NodeId, NetRates>,
    /// Files used of late; empty unless they were asked for.
    pub files: Vec<FileReading>,
}

/// The processes there are.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// As they were listed.
    pub processes: Vec<Process>,
    /// What has happened up to the end of that and was not taken in yet.
    pub ended: Vec<Record>,
}

/// An edge with its ends.
#[derive(Clone, Copy, Debug)]
pub struct Talk<'a> {
    /// Who opened the connections.
    pub client: &'a Node,
    /// Who accepted them.
    pub server: &'a Node,
    /// Since the start.
    pub edge: &'a Edge,
    /// Since the look before.
    pub now: Flowing,
}

/// Remembers the look before.
#[derive(Debug)]
pub struct Looker {
    hierarchies: Hierarchies,
    meter: Meter,
    traffic: Traffic,
    processes: ProcessMeter,
}

impl Looker {
    /// Traffic counts from now on.
    #[must_use]
    pub fn new(hierarchies: Hierarchies) -> Self {
        Self {
            hierarchies,
            meter: Meter::default(),
            traffic: Traffic::since(Instant::now()),
            processes: ProcessMeter::default(),
        }
    }

    /// Takes in what has happened: of processes, how they ended.
    pub fn take_in(&mut self, records: &[Record]) {
        for record in records {
            self.processes.take_in(record);
        }
    }

    /// Looks at what is there. `processes` are those listed just now, if anyone wants them.
    pub fn look<'a>(
        &mut self,
        directory: &Directory,
        graph: &'a Graph,
        processes: Option<Listed>,
    ) -> Look<'a> {
        let flowing = self.traffic.look(graph, Instant::now());
        let net = by_node(graph, &flowing);
        let talks = graph.edges().zip(flowing);
        let talks = talks.map(|((client, server, edge), now)| Talk {
            client,
            server,
            edge,
            now,
        });
        let (processes, ended) = processes
            .map(|listed| self.processes.look(listed, directory))
            .unwrap_or_default();
        Look {
            talks: talks.collect(),
            net,
            readings: self.meter.look(directory.containers(), &self.hierarchies),
            files: Vec::new(),
            processes,
            ended,
        }
    }
}

impl Look<'_> {
    /// Puts containers where ECS has put them, as `placed` knows.
    pub fn place(&mut self, placed: impl Fn(Arc<Container>) -> Arc<Container>) {
        let processes = self.processes.iter_mut();
        let processes = processes.filter_map(|reading| reading.row.container.as_mut());
        let containers = self
            .readings
            .iter_mut()
            .map(|reading| &mut reading.container);
        let ended = self.ended.iter_mut();
        let ended = ended.filter_map(|reading| reading.container.as_mut());
        for container in containers.chain(processes).chain(ended) {
            *container = placed(Arc::clone(container));
        }
    }

    /// Keeps what passes: lines of `subject`, or what they are made of.
    pub fn keep(&mut self, subject: Subject, filter: &Filter, host: &str) {
        match subject {
            Subject::Containers | Subject::Services => {
                self.readings.retain(|reading| {
                    filter.matches(&ContainerRecord::new(&reading.container, host))
                });
            }
            Subject::Processes => {
                self.processes
                    .retain(|reading| filter.matches(&ProcessRecord::new(&reading.row, host)));
                self.ended
                    .retain(|reading| filter.matches(&EndedRecord::new(reading, host)));
            }
            Subject::Connections | Subject::Ports => self.talks.retain(|talk| {
                let Talk {
                    client,
                    server,
                    edge,
                    ..
                } = talk;
                filter.matches(&EdgeRecord::new(client, server, edge, host))
            }),
            Subject::Files => self
                .files
                .retain(|reading| filter.matches(&FileRecord::new(reading, host))),
        }
    }

    /// Keeps processes and connections of one container.
    pub fn keep_container(&mut self, id: &ContainerId) {
        let node = format!("container:{id}");
        self.processes.retain(|reading| {
            let container = reading.row.container.as_ref();
            container.is_some_and(|container| container.id == *id)
        });
        self.ended.retain(|reading| {
            let container = reading.container.as_ref();
            container.is_some_and(|container| container.id == *id)
        });
        self.talks.retain(|talk| {
            [talk.client, talk.server]
                .iter()
                .any(|end| end.id.as_str() == node)
        });
    }

    /// What flows into and out of a container; zero when it has not talked.
    #[must_use]
    pub fn net_of(&self, id: &ContainerId) -> NetRates {
        let node = NodeId::new(&format!("container:{id}"));
        self.net.get(&node).copied().unwrap_or_default()
    }
}
