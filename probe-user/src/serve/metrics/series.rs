//! How many label sets there may be.
//!
//! What was admitted stays, and what came too late stays folded into "other": so a counter never
//! falls because a series changed its place.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

use crate::identity::Container;

/// Labels that orchestrators put on containers, strongest first.
const SERVICE_LABELS: [&str; 2] = [
    "com.docker.swarm.service.name",
    "com.docker.compose.service",
];
pub(super) const TASK_LABEL: &str = "com.amazonaws.ecs.task-arn";

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
    /// In place of both, the port that a container listens on itself.
    pub(super) port: Option<u16>,
}

impl Labels {
    /// What says which container it is, and nothing else.
    pub(super) fn of(container: &Container) -> Self {
        let label = |name: &str| container.labels.get(name).cloned();
        // An ARN's last part is the task's id.
        let task = label(TASK_LABEL).and_then(|arn| arn.rsplit('/').next().map(str::to_owned));
        Self {
            container: container.display_name().to_owned(),
            container_id: container.id.short().to_owned(),
            task: task.unwrap_or_default(),
            service: SERVICE_LABELS
                .iter()
                .find_map(|name| label(name))
                .unwrap_or_default(),
            destination: None,
            actual_destination: None,
            port: None,
        }
    }

    /// The same, as labels.
    pub(super) fn of_container(&self) -> [(&'static str, &str); 4] {
        [
            ("container", &self.container),
            ("container_id", &self.container_id),
            ("task", &self.task),
            ("service", &self.service),
        ]
    }

    /// Where all goes that is too much.
    pub(super) fn other() -> Self {
        Self {
            container: "other".to_owned(),
            container_id: String::new(),
            task: String::new(),
            service: String::new(),
            destination: None,
            actual_destination: None,
            port: None,
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
