//! What was asked, what was not, and what did not fit.

use std::sync::atomic::{AtomicU64, Ordering};

use super::source::{Operation, Trouble};

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EcsStats {
    /// Calls of DescribeTasks.
    pub describe_tasks: u64,
    /// Calls of DescribeServices.
    pub describe_services: u64,
    /// Calls of ListServices, one a page.
    pub list_services: u64,
    /// Questions to the agent.
    pub agent_tasks: u64,
    /// Of all calls, those AWS asked to make later.
    pub throttled: u64,
    /// Of all calls, those that failed otherwise.
    pub errors: u64,
    /// Lookups of a task answered from memory: each would have been a call.
    pub tasks_from_memory: u64,
    /// Lookups of a service answered from memory: each would have been a call.
    pub services_from_memory: u64,
    /// Tasks in memory now.
    pub tasks: u64,
    /// Services in memory now.
    pub services: u64,
    /// Tasks and services forgotten before their time, to make room.
    pub evicted: u64,
    /// Tasks on this host beyond the bound, at the last look: known by labels alone.
    pub tasks_left_out: u64,
    /// Services of a cluster beyond the bound, which were not described.
    pub services_left_out: u64,
}

impl EcsStats {
    /// All calls, failed ones included.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.describe_tasks + self.describe_services + self.list_services + self.agent_tasks
    }

    /// Calls that lookups would have made without a memory.
    #[must_use]
    pub const fn saved(&self) -> u64 {
        self.tasks_from_memory + self.services_from_memory
    }
}

/// [`EcsStats`] as they grow.
#[derive(Debug, Default)]
pub(super) struct Counters {
    describe_tasks: AtomicU64,
    describe_services: AtomicU64,
    list_services: AtomicU64,
    agent_tasks: AtomicU64,
    throttled: AtomicU64,
    errors: AtomicU64,
    pub(super) tasks_from_memory: Counter,
    pub(super) services_from_memory: Counter,
    pub(super) evicted: Counter,
    pub(super) services_left_out: Counter,
    tasks_left_out: AtomicU64,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// A call is about to be made.
    pub(super) fn called(&self, operation: Operation) {
        let counter = match operation {
            Operation::DescribeTasks => &self.describe_tasks,
            Operation::DescribeServices => &self.describe_services,
            Operation::ListServices => &self.list_services,
            Operation::AgentTasks => &self.agent_tasks,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, trouble: Trouble) {
        let counter = match trouble {
            Trouble::Throttled => &self.throttled,
            Trouble::Unreachable | Trouble::Refused => &self.errors,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn left_out(&self, tasks: usize) {
        let tasks = u64::try_from(tasks).unwrap_or(u64::MAX);
        self.tasks_left_out.store(tasks, Ordering::Relaxed);
    }

    /// What memory holds is for the caller to add.
    pub(super) fn read(&self) -> EcsStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EcsStats {
            describe_tasks: get(&self.describe_tasks),
            describe_services: get(&self.describe_services),
            list_services: get(&self.list_services),
            agent_tasks: get(&self.agent_tasks),
            throttled: get(&self.throttled),
            errors: get(&self.errors),
            tasks_from_memory: self.tasks_from_memory.get(),
            services_from_memory: self.services_from_memory.get(),
            tasks: 0,
            services: 0,
            evicted: self.evicted.get(),
            tasks_left_out: get(&self.tasks_left_out),
            services_left_out: self.services_left_out.get(),
        }
    }
}
