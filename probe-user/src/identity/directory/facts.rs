//! What is told of containers: by an engine, and by traffic.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::addresses::Word;
use super::{Limits, State};
use crate::identity::container::{Attachment, Container, ContainerId, Life, NetworkMode};
use crate::identity::layout::Runtime;
use crate::ids::CgroupId;

/// What an engine said of a container at one moment. `None` is "did not say", never "has none".
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Of which container.
    pub id: ContainerId,
    /// Which engine, by its address.
    pub engine: Arc<str>,
    /// What the engine runs containers with; used where the path does not tell.
    pub runtime: Runtime,
    /// Its name, without a leading slash.
    pub name: Option<String>,
    /// Its image.
    pub image: Option<String>,
    /// All of its labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// All of its networks.
    pub networks: Option<Vec<Attachment>>,
    /// Whose network namespace it lives in.
    pub network_mode: Option<NetworkMode>,
    /// Its first process.
    pub pid: Option<u32>,
    /// When it was last started.
    pub started: Option<Timestamp>,
    /// When it last ended.
    pub finished: Option<Timestamp>,
    /// Where it is in its life.
    pub life: Option<Life>,
}

impl Facts {
    /// That the container exists, and nothing else.
    #[must_use]
    pub fn new(id: ContainerId, engine: Arc<str>, runtime: Runtime) -> Self {
        Self {
            id,
            engine,
            runtime,
            name: None,
            image: None,
            labels: None,
            networks: None,
            network_mode: None,
            pid: None,
            started: None,
            finished: None,
            life: None,
        }
    }

    fn write_to(self, container: &mut Container) {
        if container.runtime == Runtime::Unknown {
            container.runtime = self.runtime;
        }
        container.engine = Some(self.engine);
        replace(&mut container.labels, self.labels);
        replace(&mut container.networks, self.networks);
        replace(&mut container.network_mode, self.network_mode);
        replace(&mut container.life, self.life);
        container.name = self.name.or(container.name.take());
        container.image = self.image.or(container.image.take());
        container.pid = self.pid.or(container.pid);
        container.started = self.started.or(container.started);
        container.finished = self.finished.or(container.finished);
        // An engine goes on telling the times of the run before.
        match container.life {
            Life::Running => container.finished = None,
            Life::Created | Life::Ended => container.pid = None,
        }
    }
}

fn replace<T>(old: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *old = new;
    }
}

impl State {
    /// `None` when the directory is full, else whether anything changed.
    pub(super) fn upsert(
        &mut self,
        limits: Limits,
        mut facts: Facts,
        now: Instant,
    ) -> Option<bool> {
        let id = facts.id.clone();
        if !self.make_room(limits, &id) {
            return None;
        }
        let old = self.containers.get(&id).map(Arc::clone);
        // Its cgroup told more already: the engine's word that it was made has come late.
        if old.is_some() && facts.life == Some(Life::Created) {
            facts.life = None;
        }
        let mut new = match &old {
            Some(old) => Container::clone(old),
            None => Container::new(id.clone(), facts.runtime),
        };
        facts.write_to(&mut new);
        if old.as_deref() == Some(&new) {
            return Some(false);
        }
        if new.is_ended() {
            self.ended.bury(id.clone(), now);
        } else {
            self.ended.revive(&id);
        }
        self.hold_addresses(old.as_deref(), &new);
        self.containers.insert(id, Arc::new(new));
        Some(true)
    }

    /// What an engine reported in `old` and no longer in `new` is free; an ended container only
    /// gets what no one else has been given since.
    fn hold_addresses(&mut self, old: Option<&Container>, new: &Container) {
        for address in old.into_iter().flat_map(Container::addresses) {
            if !new.addresses().any(|kept| kept == address) {
                self.addresses.release(address, &new.id);
            }
        }
        for address in new.addresses() {
            let passed_on = new.is_ended() && self.addresses.given(address);
            if !passed_on && !self.addresses.claim(address, &new.id, Word::Engine) {
                self.counts.addresses_refused += 1;
            }
        }
    }

    pub(super) fn ended(&mut self, id: &ContainerId, at: Option<Timestamp>, now: Instant) -> bool {
        let Some(container) = self.containers.get_mut(id) else {
            return false;
        };
        // Its cgroup goes, it dies, it is removed: the first time told is the time it ended.
        if container.is_ended() && (at.is_none() || container.finished.is_some()) {
            return false;
        }
        let container = Arc::make_mut(container);
        container.life = Life::Ended;
        container.pid = None;
        container.finished = at;
        self.ended.bury(id.clone(), now);
        true
    }

    /// Whether [`State::address_seen`] would change anything.
    pub(super) fn needs_evidence(&self, address: IpAddr, cgroup: CgroupId) -> bool {
        let Some(id) = self.cgroups.get(&cgroup).and_then(|c| c.container.as_ref()) else {
            return false;
        };
        let shares = self.containers.get(id).is_none_or(|container| {
            matches!(
                container.network_mode,
                NetworkMode::Host | NetworkMode::Of(_)
            )
        });
        if shares || !names_one_host(address) {
            return false;
        }
        // Containers of a pod share an address: the first stands while it lives, lest the
        // address changes hands with every flow.
        let standing = self.addresses.seen_with(address);
        standing
            .and_then(|id| self.containers.get(id))
            .is_none_or(|c| c.is_ended() && c.id != *id)
    }

    pub(super) fn address_seen(&mut self, address: IpAddr, cgroup: CgroupId) -> bool {
        if !self.needs_evidence(address, cgroup) {
            return false;
        }
        let Some(id) = self.cgroups.get(&cgroup).and_then(|c| c.container.clone()) else {
            return false;
        };
        let claimed = self.addresses.claim(address, &id, Word::Traffic);
        if !claimed {
            self.counts.addresses_refused += 1;
        }
        claimed
    }
}

/// Loopback, multicast, link-local and unspecified addresses mean someone else everywhere.
fn names_one_host(address: IpAddr) -> bool {
    let local = match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    let address = address.to_canonical();
    !(local || address.is_loopback() || address.is_multicast() || address.is_unspecified())
}
