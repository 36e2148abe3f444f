//! Cgroups come and go, and containers show themselves by their paths.

use std::sync::Arc;
use std::time::Instant;

use super::{Cgroup, Limits, State};
use crate::identity::container::Life;
use crate::identity::layout;
use crate::ids::CgroupId;

impl State {
    pub(super) fn cgroup_made(&mut self, limits: Limits, id: CgroupId, path: &str) -> bool {
        if self
            .cgroups
            .get(&id)
            .is_some_and(|known| *known.path == *path)
        {
            return false;
        }
        if !self.cgroups.contains_key(&id) && self.cgroups.len() >= limits.cgroups {
            let Some(oldest) = self.removed.pop() else {
                self.counts.cgroups_refused += 1;
                return false;
            };
            self.cgroups.remove(&oldest);
            self.counts.cgroups_evicted += 1;
        }
        self.removed.revive(&id);
        let path: Arc<str> = path.into();
        let found = layout::container_in(&path);
        let container = found.as_ref().map(|found| found.id.clone());
        if let Some(found) = found {
            let own = found.prefix == path.len();
            self.placed(limits, found, own.then(|| (id, Arc::clone(&path))));
        }
        self.cgroups.insert(id, Cgroup { path, container });
        true
    }

    /// A container showed itself by a path; `own` is its own cgroup, when it is that one.
    fn placed(&mut self, limits: Limits, found: layout::Found, own: Option<(CgroupId, Arc<str>)>) {
        if !self.make_room(limits, &found.id) {
            return;
        }
        let mut container = self.container_or_new(&found.id, found.runtime);
        let value = Arc::make_mut(&mut container);
        if let Some((cgroup, path)) = own {
            value.cgroup = Some(cgroup);
            value.cgroup_path = Some(path);
            if value.is_ended() {
                // Started again: what was true of the run before is not of this one.
                value.started = None;
                value.finished = None;
            }
            value.life = Life::Running;
            self.ended.revive(&found.id);
        }
        self.containers.insert(found.id, container);
    }

    pub(super) fn cgroup_removed(&mut self, id: CgroupId, now: Instant) -> bool {
        if let Some(removed) = &mut self.removed_in_scan {
            removed.insert(id);
        }
        let Some(cgroup) = self.cgroups.get(&id) else {
            return false;
        };
        self.removed.bury(id, now);
        let container = cgroup
            .container
            .as_ref()
            .and_then(|id| self.containers.get(id));
        // A restarted container has another cgroup by now, and its life is not this one's.
        match container {
            Some(container) if container.cgroup == Some(id) => {
                let id = container.id.clone();
                self.ended(&id, None, now)
            }
            _ => false,
        }
    }
}
