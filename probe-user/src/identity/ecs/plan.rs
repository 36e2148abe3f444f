//! What to ask next, as functions of what is known. No I/O, no clock of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::arn::{ClusterName, ServiceArn, ServiceKey, ServiceName, TaskArn};
use super::service::Service;
use super::task::Task;

/// Groups `items` by cluster, and each group into calls of at most `size`.
pub(super) fn calls<T>(
    items: impl IntoIterator<Item = (ClusterName, T)>,
    size: usize,
) -> Vec<(ClusterName, Vec<T>)> {
    let mut clusters: BTreeMap<ClusterName, Vec<T>> = BTreeMap::new();
    for (cluster, item) in items {
        clusters.entry(cluster).or_default().push(item);
    }
    let mut calls = Vec::new();
    for (cluster, mut items) in clusters {
        while !items.is_empty() {
            let rest = items.split_off(items.len().min(size));
            calls.push((cluster.clone(), std::mem::replace(&mut items, rest)));
        }
    }
    calls
}

/// The calls that refresh `services`, each with when it was last described. Those whose turn is
/// the longest overdue go first: when calls fail, the same ones must not miss out every time.
pub(super) fn refresh(
    services: BTreeMap<ServiceKey, Option<std::time::Instant>>,
    size: usize,
) -> Vec<(ClusterName, Vec<ServiceName>)> {
    let mut services: Vec<_> = services.into_iter().collect();
    services.sort_by_key(|(_, described)| *described);
    let oldest: Vec<ClusterName> = services
        .iter()
        .map(|(key, _)| key.cluster.clone())
        .collect();
    let turn = |cluster: &ClusterName| oldest.iter().position(|other| other == cluster);
    let items = services.into_iter().map(|(key, _)| (key.cluster, key.name));
    let mut calls = calls(items, size);
    // Stable: a cluster's calls stay in order.
    calls.sort_by_cached_key(|(cluster, _)| turn(cluster));
    calls
}

/// Of the services a cluster has, those not just described; at most `limit`, and how many were
/// left out.
pub(super) fn undescribed(
    listed: &[ServiceArn],
    cluster: &ClusterName,
    described: &HashSet<ServiceKey>,
    limit: usize,
) -> (Vec<ServiceName>, usize) {
    let names: BTreeSet<ServiceName> = listed.iter().map(ServiceArn::name).collect();
    let mut names: Vec<ServiceName> = names
        .into_iter()
        .filter(|name| {
            let cluster = cluster.clone();
            let name = name.clone();
            !described.contains(&ServiceKey { cluster, name })
        })
        .collect();
    let left_out = names.len().saturating_sub(limit);
    names.truncate(limit);
    (names, left_out)
}

/// What a task says of whoever started it, if listing all services may tell who that is.
///
/// A one-off task has none, and what neither a group nor a starter is told of, no list can find.
pub(super) fn starter(task: &Task) -> Option<&str> {
    if task.is_one_off() {
        return None;
    }
    let group = task.group.as_deref().filter(|_| task.service().is_some());
    group.or(task.started_by.as_deref())
}

/// Services by the deployments they know: who started a task.
#[derive(Debug, Default)]
pub(super) struct Deployments {
    services: HashMap<(ClusterName, String), ServiceName>,
}

impl Deployments {
    pub(super) fn add(&mut self, service: &Service) {
        for deployment in &service.deployments {
            let id = (service.key.cluster.clone(), deployment.id.clone());
            self.services.insert(id, service.key.name.clone());
        }
    }

    /// The service of `task`, by its group, else by the deployment that started it.
    pub(super) fn service_of(&self, task: &Task, cluster: &ClusterName) -> Option<ServiceName> {
        task.service().or_else(|| {
            let deployment = (cluster.clone(), task.started_by.clone()?);
            self.services.get(&deployment).cloned()
        })
    }
}

/// Waits until no more tasks come, so that a hundred that start together are one call.
#[derive(Debug)]
pub(super) struct Settling {
    patience: Duration,
    seen: usize,
    since: Option<Instant>,
}

impl Settling {
    /// `patience`: how long the first of many may have to wait for the last.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            seen: 0,
            since: None,
        }
    }

    /// Whether `new`, all tasks not yet described, are to be asked for now: none came since the
    /// last look, or the first has waited long enough.
    pub(super) fn settled(&mut self, new: usize, now: Instant) -> bool {
        if new == 0 {
            self.seen = 0;
            self.since = None;
            return true;
        }
        let since = *self.since.get_or_insert(now);
        let settled = new <= self.seen || now.duration_since(since) >= self.patience;
        self.seen = new;
        if settled {
            self.since = None;
        }
        settled
    }
}

/// At most `limit` of the tasks here: those kept are always the same ones, so that none is
/// forgotten and asked for again. Returns how many were left out.
pub(super) fn bounded(tasks: &mut BTreeMap<TaskArn, ClusterName>, limit: usize) -> usize {
    let left_out = tasks.len().saturating_sub(limit);
    for _ in 0..left_out {
        tasks.pop_last();
    }
    left_out
}

#[cfg(test)]
mod tests;
