//! Services: refreshed while a task here is of them, found when a task is of none that is known.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Instant as StdInstant;

use tokio::time::Instant;
use tracing::debug;

use super::Follower;
use crate::identity::backoff::jittered;
use crate::identity::ecs::arn::{ClusterName, ServiceArn, ServiceKey, ServiceName};
use crate::identity::ecs::aws::Aws;
use crate::identity::ecs::memory::{Absent, TaskEntry};
use crate::identity::ecs::plan::{self, Deployments};
use crate::identity::ecs::source::{Operation, ServiceSource};

/// The fewest services a page of a list is taken to hold: bounds the pages asked for.
const SMALLEST_PAGE: usize = 10;

pub(super) fn key(cluster: &ClusterName, name: &ServiceName) -> ServiceKey {
    ServiceKey {
        cluster: cluster.clone(),
        name: name.clone(),
    }
}

impl Follower {
    /// Looks for the service of each task here that has none yet, in memory.
    pub(super) fn find_services(&self) {
        if self.orphans().next().is_some() {
            self.find_among(&self.memory.deployments());
        }
    }

    fn find_among(&self, deployments: &Deployments) {
        for (cluster, entry) in self.orphans() {
            if let Some(service) = deployments.service_of(&entry.task.value, cluster) {
                self.memory.learn_service_of(&entry, service);
            }
        }
    }

    /// The tasks here that were described, and are of no service yet.
    fn orphans(&self) -> impl Iterator<Item = (&ClusterName, Arc<TaskEntry>)> {
        self.entries()
            .filter(|(_, entry)| entry.service.get().is_none())
    }

    /// Describes every service that a task here is of, once; then, if some task is still of none
    /// that is known, every other service of its cluster. Without either, the turn is not used
    /// up: the first task to come has it.
    pub(super) async fn refresh(&mut self) {
        let referenced = self.referenced();
        if referenced.is_empty() && self.unmatched().is_empty() {
            return;
        }
        let source = self.source().await;
        let Some(aws) = source.services() else { return };
        self.next_refresh = Instant::now() + jittered(self.options.refresh);
        let mut described: HashSet<ServiceKey> = HashSet::new();
        let mut failed = BTreeSet::new();
        for (cluster, names) in plan::refresh(referenced, Aws::BATCH) {
            described.extend(names.iter().map(|name| key(&cluster, name)));
            if !self.describe_services(aws, &cluster, names).await {
                failed.insert(cluster);
            }
        }
        for (cluster, starters) in self.unmatched() {
            if !failed.contains(&cluster) && self.describe_all(aws, &cluster, &described).await {
                self.give_up(&cluster, &starters);
            }
        }
    }

    /// Describes all services of a cluster but those just `described`. False when some call was
    /// not answered. At the usual rate a cluster of 1,000 services takes half a minute, in which
    /// nothing else is asked.
    async fn describe_all(
        &mut self,
        aws: &Aws,
        cluster: &ClusterName,
        described: &HashSet<ServiceKey>,
    ) -> bool {
        let Some(listed) = self.list(aws, cluster).await else {
            return false;
        };
        let limit = self.options.limits.listed;
        let (names, left_out) = plan::undescribed(&listed, cluster, described, limit);
        let left_out = u64::try_from(left_out).unwrap_or(u64::MAX);
        self.memory.counters.services_left_out.add(left_out);
        let names = names.into_iter().map(|name| (cluster.clone(), name));
        let mut answered = true;
        for (cluster, names) in plan::calls(names, Aws::BATCH) {
            answered &= self.describe_services(aws, &cluster, names).await;
        }
        answered
    }

    /// The services of a cluster, page by page.
    async fn list(&mut self, aws: &Aws, cluster: &ClusterName) -> Option<Vec<ServiceArn>> {
        let limit = self.options.limits.listed;
        let mut services = Vec::new();
        let mut next = None;
        for _ in 0..=limit / SMALLEST_PAGE {
            let question = aws.list(cluster, next.take());
            let (page, token) = self.ask(Operation::ListServices, cluster, question).await?;
            services.extend(page);
            next = token;
            if next.is_none() || services.len() > limit {
                break;
            }
        }
        Some(services)
    }

    /// Describes these, and finds their tasks at once: of a large cluster the first services are
    /// forgotten by the time that the last are described. False when there was no answer.
    async fn describe_services(
        &mut self,
        aws: &Aws,
        cluster: &ClusterName,
        names: Vec<ServiceName>,
    ) -> bool {
        let asked: Vec<String> = names.iter().map(ToString::to_string).collect();
        let question = aws.services(cluster, &asked);
        let answer = self.ask(Operation::DescribeServices, cluster, question);
        let Some(services) = answer.await else {
            return false;
        };
        let mut missing: BTreeSet<ServiceName> = names.into_iter().collect();
        let mut deployments = Deployments::default();
        for service in services {
            // An answer to another question is none.
            if missing.remove(&service.key.name) {
                deployments.add(&service);
                self.memory.learn_service(service);
            }
        }
        self.find_among(&deployments);
        for name in missing {
            debug!("no service {name} in {cluster}");
            self.memory.lose_service(&key(cluster, &name));
        }
        true
    }

    /// Tasks of these starters are of no service: not to be looked for again soon.
    fn give_up(&self, cluster: &ClusterName, starters: &BTreeSet<String>) {
        let still = self.unmatched().remove(cluster).unwrap_or_default();
        for starter in starters.intersection(&still) {
            debug!("no service in {cluster} started {starter}");
            self.memory
                .forbid(Absent::Starter(cluster.clone(), starter.clone()));
        }
    }

    /// Services of the tasks here, each with when it was last described. Those ECS does not know
    /// are left out.
    fn referenced(&self) -> BTreeMap<ServiceKey, Option<StdInstant>> {
        let mut referenced = BTreeMap::new();
        for (cluster, entry) in self.entries() {
            let Some(name) = entry.service.get() else {
                continue;
            };
            let key = key(cluster, name);
            if !self.memory.is_absent(&Absent::Service(key.clone())) {
                let described = self.memory.service(&key).map(|known| known.told);
                referenced.insert(key, described);
            }
        }
        referenced
    }

    /// What started the tasks here that are of no service known, by cluster; what was looked for
    /// in vain is left out.
    fn unmatched(&self) -> BTreeMap<ClusterName, BTreeSet<String>> {
        let mut unmatched: BTreeMap<ClusterName, BTreeSet<String>> = BTreeMap::new();
        for (cluster, entry) in self.entries() {
            let service = entry.service.get().map(|name| key(cluster, name));
            if service.is_some_and(|key| self.memory.service(&key).is_some()) {
                continue;
            }
            let Some(starter) = plan::starter(&entry.task.value) else {
                continue;
            };
            let absent = Absent::Starter(cluster.clone(), starter.to_owned());
            if !self.memory.is_absent(&absent) {
                let starters = unmatched.entry(cluster.clone()).or_default();
                starters.insert(starter.to_owned());
            }
        }
        unmatched
    }

    /// The tasks here that were described.
    fn entries(&self) -> impl Iterator<Item = (&ClusterName, Arc<TaskEntry>)> {
        self.here
            .iter()
            .filter_map(|(arn, cluster)| Some((cluster, self.memory.task(arn)?)))
    }
}
