//! The ring of records, waited on.

use std::{io, time::Duration};

use tokio::{
    io::unix::AsyncFd,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use crate::{
    identity::Directory,
    kernel::records::{Record, Records, What},
};

/// How often it is looked for records that wake nobody.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

/// Moments so far apart. One is skipped rather than made up for.
pub(super) fn every(interval: Duration) -> Interval {
    let mut moments = interval_at(Instant::now() + interval, interval);
    moments.set_missed_tick_behavior(MissedTickBehavior::Skip);
    moments
}

/// Waits for records: for one that wakes, or until it is time to look for the others.
pub(super) async fn records(
    ring: &mut AsyncFd<Records>,
    looks: Option<&mut Interval>,
    directory: &Directory,
) -> io::Result<Vec<Record>> {
    let look = async {
        match looks {
            Some(looks) => looks.tick().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ready = ring.readable_mut() => ready?.clear_ready(),
        _ = look => {}
    }
    Ok(take_in(ring.get_mut(), directory))
}

/// Takes records from the ring; cgroups that came or went are known when it returns.
pub(super) fn take_in(ring: &mut Records, directory: &Directory) -> Vec<Record> {
    let mut records = Vec::new();
    ring.drain(|record| {
        match &record.what {
            What::CgroupMade { path } => directory.cgroup_made(record.cgroup, path),
            What::CgroupRemoved => {
                directory.cgroup_removed(record.cgroup, std::time::Instant::now());
            }
            _ => {}
        }
        records.push(record);
    });
    records
}
