//! Connections one by one, for who asked for them.

use std::io;

use tokio::io::unix::AsyncFd;

use super::{Agent, RunError, StartError, map_error, take_in};
use crate::kernel::{
    connections::Watch,
    object::Object,
    programs::{EACH_CONNECTION, OOM_KILLS, PROCESSES},
    records::{Record, Records, What},
};

/// Records taken at once: so many that a signal does not wait long.
const BATCH: usize = 4096;

impl Agent {
    /// Takes records that are not yet read; empty when that is all.
    pub fn last_records(&mut self) -> Vec<Record> {
        self.and_what_else_is_there(Vec::new())
    }

    /// What has just come from one ring, and what is in either now, in order.
    pub(super) fn and_what_else_is_there(&mut self, mut records: Vec<Record>) -> Vec<Record> {
        // Connections first: the containers that they were made in are told of by then.
        if let Some(ring) = &mut self.connections {
            records.extend(ring.get_mut().take(BATCH));
        }
        records.extend(take_in(self.records.get_mut(), &self.host.directory));
        records.sort_by_key(|record| record.time);
        // A container's first connection may be over before its engine tells its address.
        for record in &records {
            if let What::Connection(connection) = &record.what {
                let (address, directory) = (connection.local.ip(), &self.host.directory);
                if !address.is_loopback() && !address.is_unspecified() {
                    directory.address_seen(address, record.cgroup);
                }
            }
        }
        self.vitals.records += records.len() as u64;
        records
    }

    /// Records of connections that were not kept.
    pub fn connections_lost(&self) -> Result<u64, RunError> {
        let kernel = self.losses.connections().map_err(RunError::Losses)?;
        let here = self.connections.as_ref();
        Ok(kernel + here.map_or(0, |ring| ring.get_ref().undecoded()))
    }

    /// Detaches what tells of each connection and process, so that there is a last record.
    pub fn end_records(&mut self) {
        for capability in [EACH_CONNECTION, PROCESSES, OOM_KILLS] {
            self.object.detach(capability.programs());
        }
    }
}

/// Their ring, to be waited on, if they are to be watched.
pub(super) fn open(
    object: &mut Object,
    watch: Option<&Watch>,
) -> Result<Option<AsyncFd<Records>>, StartError> {
    if watch.is_none() {
        return Ok(None);
    }
    let ring =
        Records::try_from(object.take_map("CONNECTIONS")?).map_err(map_error("CONNECTIONS"))?;
    // SAFETY: the map's descriptor is the ring's own, the same for as long as it lives.
    let ring = unsafe { AsyncFd::register(ring) };
    ring.map(Some)
        .map_err(|error| StartError::Poll(error.into()))
}

/// Waits for records, for ever where there are none to come.
pub(super) async fn readable(ring: Option<&mut AsyncFd<Records>>) -> io::Result<Vec<Record>> {
    let Some(ring) = ring else {
        return std::future::pending().await;
    };
    let mut ready = ring.readable_mut().await?;
    let records = ready.get_inner_mut().take(BATCH);
    // The kernel wakes only who has read all there was.
    if records.is_empty() {
        ready.clear_ready();
    }
    Ok(records)
}
