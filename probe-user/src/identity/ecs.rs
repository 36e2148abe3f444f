//! ECS: the task and the service behind a container.
//!
//! A container's labels name its task, without a call ([`labels`]). A background task describes
//! each task once and refreshes its service from time to time; [`Ecs::of`] reads memory only.
//! Where no container has such labels, nothing is asked, and no client is even made. While AWS
//! cannot be reached, what was last known stands, with its age.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::container::Container;
use super::directory::Directory;

mod agent;
pub mod arn;
mod aws;
mod follow;
mod here;
pub mod labels;
mod memory;
mod pace;
mod plan;
#[cfg(test)]
pub(crate) mod samples;
pub mod service;
pub mod source;
mod stats;
pub mod task;
mod view;

pub use agent::AGENT_ADDRESS;
use follow::{Follower, Progress};
pub use here::{Here, ServiceHere, TaskHere};
pub use labels::EcsFacts;
use memory::Memory;
pub use memory::{Known, Limits};
pub use pace::{Pauses, Rate};
pub use stats::EcsStats;
pub use view::EcsView;

/// How often services are refreshed by default.
pub const REFRESH: Duration = Duration::from_secs(30);

/// Whom to ask.
#[derive(Clone, Debug)]
pub enum Access {
    /// AWS, with credentials, region and endpoint where the SDK finds them: environment, profile,
    /// container or instance role. Profiles that log in with SSO are not supported. Without a
    /// region, that of the tasks.
    Sdk,
    /// AWS, with this configuration.
    With(Box<SdkConfig>),
    /// The ECS agent of this host; it listens at [`AGENT_ADDRESS`]. It knows tasks, no services.
    Agent(SocketAddr),
}

/// What is asked, how often, and how much is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whom to ask: AWS by default.
    pub access: Access,
    /// Time between two refreshes of a service, give or take a tenth: [`REFRESH`] by default.
    pub refresh: Duration,
    /// How long a task or service stays that no running container is of and nobody looks up: one
    /// minute by default.
    pub idle: Duration,
    /// How long it is remembered that something is not there: 10 minutes by default.
    pub negative: Duration,
    /// Time between two looks at the directory: 500 ms by default. New tasks are described when a
    /// look finds no more of them, or after four.
    pub look: Duration,
    /// How long a call may take: 5 s by default.
    pub timeout: Duration,
    /// How many calls are made at most.
    pub rate: Rate,
    /// How long none is made after one that failed.
    pub pauses: Pauses,
    /// How much is kept.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access: Access::Sdk,
            refresh: REFRESH,
            idle: Duration::from_mins(1),
            negative: Duration::from_mins(10),
            look: Duration::from_millis(500),
            timeout: Duration::from_secs(5),
            rate: Rate::default(),
            pauses: Pauses::default(),
            limits: Limits::default(),
        }
    }
}

/// What is known of this host's tasks and their services.
#[derive(Debug)]
pub struct Ecs {
    directory: Arc<Directory>,
    memory: Arc<Memory>,
    progress: watch::Receiver<Progress>,
    task: JoinHandle<()>,
}

impl Ecs {
    /// Starts to follow `directory` until `shutdown`; must be called within a tokio runtime.
    #[must_use]
    pub fn spawn(directory: Arc<Directory>, options: Options, shutdown: CancellationToken) -> Self {
        let memory = Arc::new(Memory::new(options.limits, options.idle, options.negative));
        let (sender, progress) = watch::channel(Progress::default());
        let follower = Follower::new(Arc::clone(&directory), Arc::clone(&memory), options);
        let task = tokio::spawn(follower.run(sender, shutdown));
        Self {
            directory,
            memory,
            progress,
            task,
        }
    }

    /// The container, with what [`Ecs::of`] knows of it.
    #[must_use]
    pub fn place(&self, mut container: Arc<Container>) -> Arc<Container> {
        if let Some(view) = self.of(&container) {
            Arc::make_mut(&mut container).ecs = Some(view);
        }
        container
    }

    /// What is known of `container`'s task and service, from memory; `None` when ECS did not
    /// start it.
    #[must_use]
    pub fn of(&self, container: &Container) -> Option<EcsView> {
        let facts = EcsFacts::of(&container.labels)?;
        let counters = &self.memory.counters;
        let entry = facts.task.as_ref().and_then(|arn| self.memory.task(arn));
        if entry.is_some() {
            counters.tasks_from_memory.add(1);
        }
        let service = entry
            .as_ref()
            .and_then(|entry| entry.service.get().cloned());
        let state = service.as_ref().zip(facts.cluster.as_ref());
        let state = state.and_then(|(name, cluster)| {
            self.memory.service(&arn::ServiceKey {
                cluster: cluster.clone(),
                name: name.clone(),
            })
        });
        if state.is_some() {
            counters.services_from_memory.add(1);
        }
        Some(EcsView {
            facts,
            task: entry.map(|entry| Arc::clone(&entry.task)),
            service,
            state,
        })
    }

    /// Increases whenever [`Ecs::of`] may answer something new other than an age.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.memory.version()
    }

    /// What was asked, saved and kept.
    #[must_use]
    pub fn stats(&self) -> EcsStats {
        self.memory.stats()
    }

    /// Waits until all that the directory holds now was asked for, whether it was answered or
    /// not. Never on the path of an event: for commands that print once.
    pub async fn settled(&self) {
        let version = self.directory.version();
        let mut progress = self.progress.clone();
        let there = progress.wait_for(|p| p.directory.is_some_and(|seen| seen >= version));
        // When the follower has ended there is nothing to wait for.
        drop(there.await);
    }

    /// Waits for the background task to end, which it does on shutdown.
    pub async fn ended(self) {
        if let Err(error) = self.task.await {
            warn!("the task that asks ECS ended badly: {error}");
        }
    }
}
