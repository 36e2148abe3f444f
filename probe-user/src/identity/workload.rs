//! Who stands behind a cgroup or an address.

use std::net::IpAddr;
use std::sync::Arc;

use super::container::Container;
use super::directory::Directory;
use crate::ids::CgroupId;

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

/// Answers from memory, at once.
pub trait Workloads {
    /// Who runs `command` in `cgroup`.
    fn in_cgroup(&self, cgroup: CgroupId, command: &str) -> Workload;
    /// Who holds `address`.
    fn at(&self, address: IpAddr) -> Workload;
    /// Grows whenever an answer may have changed.
    fn version(&self) -> u64;
}

/// The directory of containers, and the addresses that are the host's own.
#[derive(Debug)]
pub struct Host {
    /// Containers.
    pub directory: Arc<Directory>,
    /// Addresses of the host's interfaces, loopback left out.
    pub addresses: Vec<IpAddr>,
}

impl Workloads for Host {
    fn in_cgroup(&self, cgroup: CgroupId, command: &str) -> Workload {
        match self.directory.container_of(cgroup) {
            Some(container) => Workload::Container(container),
            None if command.is_empty() => Workload::Host,
            None => Workload::Process(command.into()),
        }
    }

    fn at(&self, address: IpAddr) -> Workload {
        match self.directory.owner_of(address) {
            None if address.is_unspecified() => Workload::Unknown,
            Some(container) => Workload::Container(container),
            None if address.is_loopback() || self.addresses.contains(&address) => Workload::Host,
            None => Workload::External(address),
        }
    }

    fn version(&self) -> u64 {
        self.directory.version()
    }
}
