//! What is known of tasks and services: written by one task, read by lookups.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::arn::{ClusterName, ServiceKey, ServiceName, TaskArn};
use super::plan::Deployments;
use super::service::{Service, ServiceStatus};
use super::stats::{Counters, EcsStats};
use super::task::Task;

/// How much is kept, of each kind. When full, what has been unused the longest makes room, and
/// [`EcsStats`] tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Tasks: 16,384 by default, as many as there are containers.
    pub tasks: usize,
    /// Services: 8,192 by default.
    pub services: usize,
    /// Tasks, services and starters known to be nowhere: 16,384 by default.
    pub absent: usize,
    /// Services of one cluster that are described to find a task's: 5,000 by default, the most a
    /// cluster has. What is beyond is left out and counted.
    pub listed: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tasks: 16_384,
            services: 8_192,
            absent: 16_384,
            listed: 5_000,
        }
    }
}

/// A fact, and when it was told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Known<T> {
    /// The fact.
    pub value: T,
    /// When the source told it.
    pub told: Instant,
}

impl<T> Known<T> {
    pub(super) fn now(value: T) -> Self {
        let told = Instant::now();
        Self { value, told }
    }

    /// How long ago it was told.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.told.elapsed()
    }
}

/// What ECS does not know, not to be asked for again soon.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Absent {
    Task(TaskArn),
    Service(ServiceKey),
    /// A group or deployment of no service.
    Starter(ClusterName, String),
}

/// A task, and its service once that is found: a task never changes its service, while the
/// deployment that started it is soon forgotten.
#[derive(Debug)]
pub(super) struct TaskEntry {
    pub(super) task: Arc<Known<Task>>,
    pub(super) service: OnceLock<ServiceName>,
}

#[derive(Debug)]
pub(super) struct Memory {
    tasks: Cache<TaskArn, Arc<TaskEntry>>,
    services: Cache<ServiceKey, Arc<Known<Service>>>,
    absent: Cache<Absent, ()>,
    version: AtomicU64,
    pub(super) counters: Arc<Counters>,
}

impl Memory {
    /// Tasks and services are forgotten when unused for `idle`, absences after `negative`.
    pub(super) fn new(limits: Limits, idle: Duration, negative: Duration) -> Self {
        let counters = Arc::new(Counters::default());
        let limit = |limit: usize| u64::try_from(limit).unwrap_or(u64::MAX);
        Self {
            tasks: Cache::builder()
                .max_capacity(limit(limits.tasks))
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(idle)
                .eviction_listener(counting(&counters))
                .build(),
            services: Cache::builder()
                .max_capacity(limit(limits.services))
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(idle)
                .eviction_listener(counting(&counters))
                .build(),
            absent: Cache::builder()
                .max_capacity(limit(limits.absent))
                .eviction_policy(EvictionPolicy::lru())
                .time_to_live(negative)
                .build(),
            version: AtomicU64::new(0),
            counters,
        }
    }

    /// Increases whenever a lookup may find something new.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    fn changed(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }

    /// The task; to ask is to use it.
    pub(super) fn task(&self, arn: &TaskArn) -> Option<Arc<TaskEntry>> {
        self.tasks.get(arn)
    }

    /// The service; to ask is to use it.
    pub(super) fn service(&self, key: &ServiceKey) -> Option<Arc<Known<Service>>> {
        self.services.get(key)
    }

    /// Whether the task is known, which is no use of it.
    pub(super) fn has_task(&self, arn: &TaskArn) -> bool {
        self.tasks.contains_key(arn)
    }

    pub(super) fn learn_task(&self, task: Task) {
        let entry = TaskEntry {
            task: Arc::new(Known::now(task)),
            service: OnceLock::new(),
        };
        let arn = entry.task.value.arn.clone();
        self.tasks.insert(arn, Arc::new(entry));
        self.changed();
    }

    /// The task is of this service, for good.
    pub(super) fn learn_service_of(&self, entry: &TaskEntry, service: ServiceName) {
        if entry.service.set(service).is_ok() {
            self.changed();
        }
    }

    /// What a list has found is there, whatever was said of it before.
    pub(super) fn learn_service(&self, service: Service) {
        self.absent
            .invalidate(&Absent::Service(service.key.clone()));
        let before = self.services.get(&service.key);
        let same = before.is_some_and(|before| before.value == service);
        self.services
            .insert(service.key.clone(), Arc::new(Known::now(service)));
        if !same {
            self.changed();
        }
    }

    /// ECS knows no such service: what was known of it stays, as old as it is.
    pub(super) fn lose_service(&self, key: &ServiceKey) {
        self.forbid(Absent::Service(key.clone()));
        if let Some(before) = self.services.get(key)
            && before.value.status != ServiceStatus::Missing
        {
            let value = Service {
                status: ServiceStatus::Missing,
                ..before.value.clone()
            };
            let told = before.told;
            let lost = Known { value, told };
            self.services.insert(key.clone(), Arc::new(lost));
            self.changed();
        }
    }

    pub(super) fn forbid(&self, absent: Absent) {
        self.absent.insert(absent, ());
    }

    pub(super) fn is_absent(&self, absent: &Absent) -> bool {
        self.absent.contains_key(absent)
    }

    /// Who started what, by all services known.
    pub(super) fn deployments(&self) -> Deployments {
        let mut deployments = Deployments::default();
        for (_, known) in &self.services {
            deployments.add(&known.value);
        }
        deployments
    }

    /// Forgets what is due; without it, only traffic would.
    pub(super) fn tidy(&self) {
        self.tasks.run_pending_tasks();
        self.services.run_pending_tasks();
        self.absent.run_pending_tasks();
    }

    pub(super) fn stats(&self) -> EcsStats {
        EcsStats {
            tasks: self.tasks.entry_count(),
            services: self.services.entry_count(),
            ..self.counters.read()
        }
    }
}

fn counting<K, V>(
    counters: &Arc<Counters>,
) -> impl Fn(Arc<K>, V, RemovalCause) + Send + Sync + 'static {
    let counters = Arc::clone(counters);
    move |_, _, cause| {
        if cause == RemovalCause::Size {
            counters.evicted.add(1);
        }
    }
}

#[cfg(test)]
mod tests;
