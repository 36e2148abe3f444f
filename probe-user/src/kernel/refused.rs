//! Cgroups of which messages and connections stay in the kernel.

use std::collections::HashSet;

use aya::maps::{HashMap, Map, MapData, MapError};
use probe_ebpf::message::MAX_REFUSED;
use tracing::debug;

use crate::ids::CgroupId;

/// The map that the programs ask, and what is in it.
pub struct RefusedCgroups {
    map: HashMap<MapData, u64, u32>,
    held: HashSet<CgroupId>,
}

impl TryFrom<Map> for RefusedCgroups {
    type Error = MapError;

    fn try_from(map: Map) -> Result<Self, MapError> {
        Ok(Self {
            map: map.try_into()?,
            held: HashSet::new(),
        })
    }
}

impl RefusedCgroups {
    /// From now on these, and no others; how many there is no room for, which costs time and nothing
    /// else.
    ///
    /// # Errors
    ///
    /// When one that is no longer to be kept back still is.
    pub fn set(&mut self, refused: &HashSet<CgroupId>) -> Result<usize, MapError> {
        let wanted: Vec<_> = self.held.difference(refused).copied().collect();
        for cgroup in wanted {
            self.map.remove(&cgroup.0)?;
            self.held.remove(&cgroup);
            debug!("what is in cgroup {cgroup} passes the kernel again");
        }
        for cgroup in refused {
            if self.held.len() >= MAX_REFUSED {
                break;
            }
            // One that is not taken in passes, as one that there is no room for.
            if !self.held.contains(cgroup) && self.map.insert(cgroup.0, 1, 0).is_ok() {
                self.held.insert(*cgroup);
                debug!("what is in cgroup {cgroup} stays in the kernel");
            }
        }
        Ok(refused.len() - self.held.len())
    }
}
