//! Who stands behind a cgroup or an address.

use std::net::IpAddr;
use std::sync::Arc;

use super::by_pid::ByPid;
use super::container::Container;
use super::directory::Directory;
use super::ecs::Ecs;
use super::names::Names;
use super::proxy::Forward;
use super::{layout, process};
use crate::ids::{CgroupId, Pid};

/// One that talks.
#[derive(Clone, Debug, PartialEq)]
pub enum Workload {
    /// A container, named or not.
    Container(Arc<Container>),
    /// Processes of one command on the host, outside containers.
    Process(Arc<str>),
    /// The host itself: an address of it that no process is known to serve.
    Host,
    /// An address that is not on this host.
    External(IpAddr),
    /// Somebody: what is known of the other end does not say who.
    Unknown,
}

/// What tells workloads apart, without what else is known of them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Who<'a> {
    /// A container's id.
    Container(&'a str),
    /// A command on the host.
    Process(&'a str),
    /// The host.
    Host,
    /// An address elsewhere.
    External(IpAddr),
    /// Somebody.
    Unknown,
}

impl Workload {
    /// What tells it apart.
    #[must_use]
    pub fn who(&self) -> Who<'_> {
        match self {
            Self::Container(container) => Who::Container(container.id.as_str()),
            Self::Process(command) => Who::Process(command),
            Self::Host => Who::Host,
            Self::External(address) => Who::External(*address),
            Self::Unknown => Who::Unknown,
        }
    }
}

impl Workload {
    /// What is known now, or what was known `before` of the same one where that was more: a
    /// container that has been gone for long is forgotten, and so is its task.
    #[must_use]
    pub fn or(self, before: &Self) -> Self {
        match (self, before) {
            (Self::Container(now), Self::Container(before)) => Self::Container(or(now, before)),
            (now @ Self::Container(_), _) => now,
            (_, Self::Container(before)) => Self::Container(Arc::clone(before)),
            (now, _) => now,
        }
    }
}

fn or(mut now: Arc<Container>, before: &Arc<Container>) -> Arc<Container> {
    let (Some(view), Some(known)) = (&now.ecs, &before.ecs) else {
        return now;
    };
    let view = view.clone().or(known);
    if now.ecs.as_ref() != Some(&view) {
        Arc::make_mut(&mut now).ecs = Some(view);
    }
    now
}

/// Answers from memory, at once.
pub trait Workloads {
    /// Who runs `command` in `cgroup`.
    fn in_cgroup(&self, cgroup: CgroupId, command: &str) -> Workload;
    /// Who holds `address`.
    fn at(&self, address: IpAddr) -> Workload;
    /// Grows whenever an answer may have changed.
    fn version(&self) -> u64;
    /// What an address elsewhere was called by who has looked it up last.
    fn name_of(&self, _address: IpAddr) -> Option<Arc<str>> {
        None
    }
    /// Where the process passes on what it accepts on `port`, if it is a proxy that says so.
    fn forward(&self, _pid: Pid, _port: u16) -> Option<Forward> {
        None
    }
}

/// The directory of containers, their tasks, and the addresses that are the host's own.
#[derive(Debug)]
pub struct Host {
    /// Containers.
    pub directory: Arc<Directory>,
    /// Their tasks and services; `None` where nobody wants to know.
    pub ecs: Option<Arc<Ecs>>,
    /// Addresses of the host's interfaces, loopback left out.
    pub addresses: Vec<IpAddr>,
    /// What addresses elsewhere are called.
    pub names: Names,
}

impl Host {
    fn container(&self, container: Arc<Container>) -> Workload {
        Workload::Container(self.placed(container))
    }

    /// A container of the directory's with its task and service, where ECS started it.
    #[must_use]
    pub fn placed(&self, container: Arc<Container>) -> Arc<Container> {
        match &self.ecs {
            Some(ecs) => ecs.place(container),
            None => container,
        }
    }
}

/// Who processes are, asked of `/proc` once and then remembered for a while.
pub type Holders = ByPid<Workload>;

impl Host {
    /// Who the process is; nobody once it has ended.
    #[must_use]
    pub fn at_pid(&self, pid: Pid) -> Workload {
        let Some((path, command)) = process::place_of(pid) else {
            return Workload::Unknown;
        };
        let container = layout::container_in(&path);
        match container.and_then(|found| self.directory.container(&found.id)) {
            Some(container) => self.container(container),
            None => Workload::Process(command.into()),
        }
    }
}

impl Workloads for Host {
    fn in_cgroup(&self, cgroup: CgroupId, command: &str) -> Workload {
        match self.directory.container_of(cgroup) {
            Some(container) => self.container(container),
            None if command.is_empty() => Workload::Host,
            None => Workload::Process(command.into()),
        }
    }

    fn at(&self, address: IpAddr) -> Workload {
        match self.directory.owner_of(address) {
            None if address.is_unspecified() => Workload::Unknown,
            Some(container) => self.container(container),
            None if address.is_loopback() || self.addresses.contains(&address) => Workload::Host,
            None => Workload::External(address),
        }
    }

    /// Both only grow, and so does their sum.
    fn version(&self) -> u64 {
        self.directory.version() + self.ecs.as_ref().map_or(0, |ecs| ecs.version())
    }

    fn name_of(&self, address: IpAddr) -> Option<Arc<str>> {
        self.names.of(address)
    }

    /// Read from `/proc` when it is asked for, which is once a tick and proxy with news.
    fn forward(&self, pid: Pid, port: u16) -> Option<Forward> {
        Forward::of(pid).filter(|forward| forward.listens == port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::ecs::samples;

    #[test]
    fn what_was_known_of_a_task_stays_when_it_is_forgotten() {
        let here = samples::here();
        let task = here.tasks.into_values().next().unwrap();
        let (container, known) = task.containers.into_iter().next().unwrap();
        let with = |view: &crate::identity::EcsView| {
            let mut container = Arc::clone(&container);
            Arc::make_mut(&mut container).ecs = Some(view.clone());
            Workload::Container(container)
        };
        let forgotten = crate::identity::EcsView {
            task: None,
            service: None,
            state: None,
            ..known.clone()
        };
        assert_eq!(with(&forgotten).or(&with(&known)), with(&known));
        assert_eq!(with(&known).or(&with(&forgotten)), with(&known));
        assert_eq!(Workload::Host.or(&with(&known)), with(&known));
        let process = Workload::Process("nginx".into());
        assert_eq!(process.clone().or(&Workload::Host), process);
    }
}
