//! How many label sets there may be.
//!
//! What was admitted stays, and what came too late stays folded into "other": so a counter never
//! falls because a series changed its place.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

/// What tells the series of one metric apart.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Labels {
    /// The client's name.
    pub(super) container: String,
    /// Its id: two of one name, one after the other, are two.
    pub(super) container_id: String,
    /// The ECS task.
    pub(super) task: String,
    /// The service, as labels of the container tell.
    pub(super) service: String,
    /// What it asked for; `None` in "other".
    pub(super) destination: Option<SocketAddr>,
    /// Where that came out.
    pub(super) actual_destination: Option<SocketAddr>,
}

impl Labels {
    /// Where all goes that is too much.
    pub(super) fn other() -> Self {
        Self {
            container: "other".to_owned(),
            container_id: String::new(),
            task: String::new(),
            service: String::new(),
            destination: None,
            actual_destination: None,
        }
    }
}

/// The label sets that were admitted, at most `limit`.
#[derive(Debug)]
pub(crate) struct Series {
    limit: usize,
    admitted: Mutex<HashSet<Labels>>,
}

impl Series {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            admitted: Mutex::default(),
        }
    }

    /// Whether there is, or still was, room for it.
    pub(super) fn admits(&self, labels: &Labels) -> bool {
        let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        if admitted.contains(labels) {
            return true;
        }
        if admitted.len() >= self.limit {
            return false;
        }
        admitted.insert(labels.clone())
    }

    pub(super) const fn limit(&self) -> usize {
        self.limit
    }
}
