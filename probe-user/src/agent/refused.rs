//! Cgroups of which a filter lets nothing pass, whatever happens in them: the kernel keeps that back.
//!
//! Only what is certain is told to the kernel. A cgroup that it has not been told of passes, and the
//! filter is asked here: so nothing is missed while a name is on its way.

use std::{collections::HashSet, time::Duration};

use aya::maps::MapError;
use tokio::time::Interval;
use tracing::warn;

use super::{Options, map_error, ring::every};
use crate::{
    filter::{Filter, of::PlaceRecord},
    identity::Directory,
    ids::CgroupId,
    kernel::{error::LoadError, object::Object, refused::RefusedCgroups},
};

/// How often it is looked whether something has become known.
const PATIENCE: Duration = Duration::from_millis(100);

/// What the kernel was told.
pub(super) struct Refused {
    map: RefusedCgroups,
    filter: Filter,
    host: String,
    /// Of the directory, when it was looked at.
    version: Option<u64>,
    looks: Interval,
    /// That there are more than the kernel has room for.
    told: bool,
}

impl Refused {
    /// Of a filter that may refuse a cgroup, where the programs were loaded to ask. Within a runtime.
    pub(super) fn open(
        object: &mut Object,
        filter: &Filter,
        host: &str,
    ) -> Result<Self, LoadError> {
        let map = object.take_map("REFUSED")?;
        Ok(Self {
            map: RefusedCgroups::try_from(map).map_err(map_error("REFUSED"))?,
            filter: filter.clone(),
            host: host.to_owned(),
            version: None,
            looks: every(PATIENCE),
            told: false,
        })
    }

    /// The same of an agent's.
    pub(super) fn of(
        options: &Options,
        object: &mut Object,
        host: &str,
    ) -> Result<Option<Self>, LoadError> {
        let messages = options.messages.as_ref().map(|messages| messages.wanted);
        let connections = options.connections.as_ref().map(|watch| watch.wanted);
        let asks = messages.or(connections).is_some_and(|it| it.cgroups != 0);
        let filter = options.filter.as_ref().filter(|_| asks);
        filter
            .map(|filter| Self::open(object, filter, host))
            .transpose()
    }

    /// Tells the kernel, if there is anything new.
    pub(super) fn follow(&mut self, directory: &Directory) -> Result<(), MapError> {
        let version = directory.version();
        if self.version == Some(version) {
            return Ok(());
        }
        let left_out = self
            .map
            .set(&refused(directory, &self.filter, &self.host))?;
        self.version = Some(version);
        if left_out > 0 && !self.told {
            self.told = true;
            warn!(
                "{left_out} cgroups are more than the kernel can keep back: what happens in them is \
                 filtered here, which takes more time and loses nothing"
            );
        }
        Ok(())
    }
}

/// Waits until it is time to look; for ever where there is nothing to look for.
pub(super) async fn due(refused: Option<&mut Refused>) {
    match refused {
        Some(refused) => drop(refused.looks.tick().await),
        None => std::future::pending().await,
    }
}

/// All cgroups of which it is certain that nothing passes.
fn refused(directory: &Directory, filter: &Filter, host: &str) -> HashSet<CgroupId> {
    let known = directory.cgroups().into_iter();
    let refused = known.filter(|(_, container)| {
        let place = PlaceRecord::new(container.as_deref(), host);
        filter.refuses(&place, |field| place.knows(field))
    });
    refused.map(|(cgroup, _)| cgroup).collect()
}

#[cfg(test)]
mod tests;
