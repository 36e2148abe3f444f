//! What is known of cgroups, containers and addresses, shared by all who ask and all who tell.
//!
//! Facts come in any order from sources that do not wait for each other; lookups read memory
//! only. What is gone stays known for [`KEPT`], so that late events still find their container.
//! Time is a parameter of what needs it.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::cgroup::{CgroupError, CgroupMount};
use super::container::{Container, ContainerId};
use super::layout;

mod addresses;
mod cgroups;
mod facts;
mod graveyard;
#[cfg(test)]
mod tests;

use crate::ids::CgroupId;
use addresses::Addresses;
pub use facts::Facts;
use graveyard::Graveyard;

/// How long a removed cgroup or an ended container stays known, at least.
pub const KEPT: Duration = Duration::from_mins(1);

/// How much a [`Directory`] holds. When it is full, what has been gone the longest makes room;
/// if all of it is alive, what is new is refused. [`Counts`] tells of both.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Cgroups, containers' or not: 65,536 by default.
    pub cgroups: usize,
    /// Containers, running or known from an engine's list: 16,384 by default.
    pub containers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cgroups: 65_536,
            containers: 16_384,
        }
    }
}

/// How full a [`Directory`] is, and what did not fit since it was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Cgroups known, those gone included.
    pub cgroups: usize,
    /// Containers known, those ended included.
    pub containers: usize,
    /// Addresses with a holder.
    pub addresses: usize,
    /// Removed cgroups forgotten before their time, to make room.
    pub cgroups_evicted: u64,
    /// New cgroups not taken in, as all others were alive.
    pub cgroups_refused: u64,
    /// Ended containers forgotten before their time, to make room.
    pub containers_evicted: u64,
    /// New containers not taken in, as all others were alive.
    pub containers_refused: u64,
    /// Addresses not taken in, as the container has too many.
    pub addresses_refused: u64,
}

/// The knowledge of one host. Lookups take a shared lock for well under a microsecond.
#[derive(Debug)]
pub struct Directory {
    limits: Limits,
    version: AtomicU64,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    cgroups: HashMap<CgroupId, Cgroup>,
    containers: HashMap<ContainerId, Arc<Container>>,
    addresses: Addresses,
    removed: Graveyard<CgroupId>,
    ended: Graveyard<ContainerId>,
    /// Present during [`Directory::scan`]: cgroups removed meanwhile, which the walk may still
    /// have seen.
    removed_in_scan: Option<HashSet<CgroupId>>,
    counts: Counts,
}

#[derive(Debug)]
struct Cgroup {
    path: Arc<str>,
    container: Option<ContainerId>,
}

impl Default for Directory {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Directory {
    /// An empty directory with these bounds.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            version: AtomicU64::new(0),
            state: RwLock::default(),
        }
    }

    /// Increases whenever a fact changes: what was resolved at a version still holds while it
    /// stands.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The container that `cgroup` belongs to: by id, runtime and path alone until an engine
    /// has described it. `None` for cgroups of no container, and for cgroups never told of.
    #[must_use]
    pub fn container_of(&self, cgroup: CgroupId) -> Option<Arc<Container>> {
        let state = self.read();
        let id = state.cgroups.get(&cgroup)?.container.as_ref()?;
        state.containers.get(id).map(Arc::clone)
    }

    /// Every cgroup of which it is certain whose it is, in no order: those of containers that found no
    /// room are left out.
    #[must_use]
    pub fn cgroups(&self) -> Vec<(CgroupId, Option<Arc<Container>>)> {
        let state = self.read();
        let known = state.cgroups.iter().filter_map(|(id, cgroup)| {
            let container = match &cgroup.container {
                Some(container) => Some(Arc::clone(state.containers.get(container)?)),
                None => None,
            };
            Some((*id, container))
        });
        known.collect()
    }

    /// The path of a cgroup from the root of the hierarchy, with a leading slash.
    #[must_use]
    pub fn path_of(&self, cgroup: CgroupId) -> Option<Arc<str>> {
        self.read()
            .cgroups
            .get(&cgroup)
            .map(|c| Arc::clone(&c.path))
    }

    /// Who holds `address`: the running container an engine gave it to, else the running one
    /// seen using it, else the one that held it last.
    #[must_use]
    pub fn owner_of(&self, address: IpAddr) -> Option<Arc<Container>> {
        let state = self.read();
        state
            .addresses
            .owner(address, &state.containers)
            .map(Arc::clone)
    }

    /// The container of this id.
    #[must_use]
    pub fn container(&self, id: &ContainerId) -> Option<Arc<Container>> {
        self.read().containers.get(id).map(Arc::clone)
    }

    /// Every container known, in no order.
    #[must_use]
    pub fn containers(&self) -> Vec<Arc<Container>> {
        self.read().containers.values().map(Arc::clone).collect()
    }

    /// How full it is and what did not fit.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let state = self.read();
        Counts {
            cgroups: state.cgroups.len(),
            containers: state.containers.len(),
            addresses: state.addresses.len(),
            ..state.counts
        }
    }

    /// A cgroup came to be: `path` is from the root of the hierarchy, with a leading slash.
    pub fn cgroup_made(&self, id: CgroupId, path: &str) {
        self.change(|state, limits| state.cgroup_made(limits, id, path));
    }

    /// A cgroup is gone, and with a container's own cgroup the container's processes.
    pub fn cgroup_removed(&self, id: CgroupId, now: Instant) {
        self.change(|state, _| state.cgroup_removed(id, now));
    }

    /// Takes in every cgroup there is, and returns how many. Subscribe to their coming and going
    /// first: what is removed during the walk is not taken in.
    ///
    /// # Errors
    /// [`CgroupError::Read`] when the mount point cannot be read.
    pub fn scan(&self, mount: &CgroupMount) -> Result<usize, CgroupError> {
        self.write().removed_in_scan = Some(HashSet::new());
        let walked = mount.walk();
        self.change(|state, limits| {
            let removed = state.removed_in_scan.take().unwrap_or_default();
            let mut changed = false;
            for (id, path) in walked.iter().flatten() {
                if !removed.contains(id) {
                    changed |= state.cgroup_made(limits, *id, path);
                }
            }
            changed
        });
        walked.map(|cgroups| cgroups.len())
    }

    /// A process of `cgroup` was seen using `address` as its own. Evidence for networks that no
    /// engine describes; what an engine says wins, and the first living user stands.
    ///
    /// Tell only what was seen in a network namespace other than the host's. Loopback and other
    /// addresses that name no one are ignored, as are those of containers known to live in
    /// someone else's network namespace.
    pub fn address_seen(&self, address: IpAddr, cgroup: CgroupId) {
        // Told with every flow: nearly always known already, so look before locking out readers.
        if self.read().needs_evidence(address, cgroup) {
            self.change(|state, _| state.address_seen(address, cgroup));
        }
    }

    /// An engine described a container; facts it left out stay as they are. False when the
    /// directory is full.
    pub fn upsert(&self, facts: Facts, now: Instant) -> bool {
        let mut accepted = false;
        self.change(|state, limits| {
            let changed = state.upsert(limits, facts, now);
            accepted = changed.is_some();
            changed.unwrap_or(false)
        });
        accepted
    }

    /// An engine said that a container ended, at that time by its own clock.
    pub fn ended(&self, id: &ContainerId, at: Option<Timestamp>, now: Instant) {
        self.change(|state, _| state.ended(id, at, now));
    }

    /// Forgets what has been gone for [`KEPT`]. Call it every few seconds.
    pub fn sweep(&self, now: Instant) {
        self.change(|state, _| state.sweep(now));
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        // A panic elsewhere leaves at worst one fact unwritten: better than to stop answering.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State, Limits) -> bool) {
        let mut state = self.write();
        if change(&mut state, self.limits) {
            // Under the lock: who reads the new version finds the new facts.
            self.version.fetch_add(1, Ordering::Release);
        }
    }
}

impl State {
    fn sweep(&mut self, now: Instant) -> bool {
        let before = self.cgroups.len() + self.containers.len();
        while let Some(id) = self.removed.pop_older(now, KEPT) {
            self.cgroups.remove(&id);
        }
        while let Some(id) = self.ended.pop_older(now, KEPT) {
            self.forget(&id);
        }
        before != self.cgroups.len() + self.containers.len()
    }

    fn forget(&mut self, id: &ContainerId) {
        self.containers.remove(id);
        self.addresses.release_all(id);
    }

    /// Room for one more container, unless it is known. False when there is none to make.
    fn make_room(&mut self, limits: Limits, id: &ContainerId) -> bool {
        if self.containers.contains_key(id) || self.containers.len() < limits.containers {
            return true;
        }
        let Some(oldest) = self.ended.pop() else {
            self.counts.containers_refused += 1;
            return false;
        };
        self.forget(&oldest);
        self.counts.containers_evicted += 1;
        true
    }

    fn container_or_new(&self, id: &ContainerId, runtime: layout::Runtime) -> Arc<Container> {
        self.containers
            .get(id)
            .map_or_else(|| Arc::new(Container::new(id.clone(), runtime)), Arc::clone)
    }
}
