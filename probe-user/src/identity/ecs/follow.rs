//! The task that asks. It looks at the directory, describes what is new, refreshes what is used,
//! and writes what it learns into memory; nobody waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::agent::Agent;
use super::arn::{ClusterName, TaskArn};
use super::aws::Aws;
use super::labels::EcsFacts;
use super::memory::{Absent, Memory};
use super::pace::Pace;
use super::plan::{self, Settling};
use super::source::{Operation, Source, SourceError, TaskSource as _, Trouble};
use super::{Access, Options};
use crate::identity::directory::Directory;

mod services;

/// Looks that the first of many new tasks may have to wait for the last.
const PATIENCE: u32 = 4;

/// How far the follower has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Progress {
    /// All that the directory held at this version was looked at, and asked for where that was
    /// due.
    pub(super) directory: Option<u64>,
}

pub(super) struct Follower {
    directory: Arc<Directory>,
    memory: Arc<Memory>,
    options: Options,
    /// Made when the first task is seen: where there is no ECS, credentials are not looked for.
    source: Option<Arc<Source>>,
    /// The tasks of this host's containers, as of `looked`.
    here: BTreeMap<TaskArn, ClusterName>,
    looked: Option<u64>,
    /// Some task of `here` may not be described: it is new, or the call failed.
    open: bool,
    touched: Instant,
    settling: Settling,
    pace: Pace,
    next_refresh: Instant,
}

impl Follower {
    pub(super) fn new(directory: Arc<Directory>, memory: Arc<Memory>, options: Options) -> Self {
        let now = Instant::now();
        Self {
            directory,
            memory,
            source: None,
            here: BTreeMap::new(),
            looked: None,
            open: false,
            touched: now,
            settling: Settling::new(options.look * PATIENCE),
            pace: Pace::new(options.rate, options.pauses, now),
            next_refresh: now,
            options,
        }
    }

    /// Runs until `shutdown`; a call under way is given up.
    pub(super) async fn run(
        mut self,
        progress: watch::Sender<Progress>,
        shutdown: CancellationToken,
    ) {
        let look = self.options.look;
        let follow = async {
            loop {
                if self.pass().await {
                    progress.send_replace(Progress {
                        directory: self.looked,
                    });
                }
                tokio::time::sleep(look).await;
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = follow => {}
        }
    }

    /// One look and what follows from it. True when nothing is left to do for now.
    async fn pass(&mut self) -> bool {
        self.open |= self.look();
        self.open |= self.touch();
        if self.here.is_empty() || self.pace.is_paused(Instant::now()) {
            return true;
        }
        if self.open {
            let new = self.undescribed();
            self.open = !new.is_empty();
            if !self.settling.settled(new.len(), Instant::now()) {
                return false;
            }
            self.describe(new).await;
            self.find_services();
        }
        if Instant::now() >= self.next_refresh {
            self.refresh().await;
        }
        true
    }

    /// Takes in what containers there are. True when they have changed.
    fn look(&mut self) -> bool {
        let version = self.directory.version();
        if self.looked == Some(version) {
            return false;
        }
        self.looked = Some(version);
        self.here.clear();
        for container in self.directory.containers() {
            if container.is_ended() {
                continue;
            }
            let Some(facts) = EcsFacts::of(&container.labels) else {
                continue;
            };
            if let (Some(task), Some(cluster)) = (facts.task, facts.cluster) {
                self.here.insert(task, cluster);
            }
        }
        let left_out = plan::bounded(&mut self.here, self.options.limits.tasks);
        self.memory.counters.left_out(left_out);
        true
    }

    /// Keeps what is used here from being forgotten, and lets go of the rest. True when it was
    /// time to.
    fn touch(&mut self) -> bool {
        if self.touched.elapsed() < self.options.idle / 4 {
            return false;
        }
        self.touched = Instant::now();
        for (arn, cluster) in &self.here {
            if let Some(entry) = self.memory.task(arn)
                && let Some(name) = entry.service.get()
            {
                self.memory.service(&services::key(cluster, name));
            }
        }
        self.memory.tidy();
        true
    }

    fn undescribed(&self) -> Vec<(ClusterName, TaskArn)> {
        let unknown = |arn: &TaskArn| {
            !self.memory.has_task(arn) && !self.memory.is_absent(&Absent::Task(arn.clone()))
        };
        let here = self.here.iter().filter(|(arn, _)| unknown(arn));
        here.map(|(arn, cluster)| (cluster.clone(), arn.clone()))
            .collect()
    }

    async fn describe(&mut self, new: Vec<(ClusterName, TaskArn)>) {
        if new.is_empty() {
            return;
        }
        let source = self.source().await;
        for (cluster, arns) in plan::calls(new, source.batch()) {
            let question = source.tasks(&cluster, &arns);
            let Some(tasks) = self.ask(source.operation(), &cluster, question).await else {
                continue;
            };
            for task in tasks {
                if arns.contains(&task.arn) {
                    self.memory.learn_task(task);
                }
            }
            for arn in arns {
                if !self.memory.has_task(&arn) {
                    debug!("no task {arn}");
                    self.memory.forbid(Absent::Task(arn));
                }
            }
        }
    }

    async fn source(&mut self) -> Arc<Source> {
        if let Some(source) = &self.source {
            return Arc::clone(source);
        }
        let timeout = self.options.timeout;
        let task = self.here.keys().next();
        let source = Arc::new(match &self.options.access {
            Access::Sdk => Source::Aws(Aws::connect(None, task, timeout).await),
            Access::With(config) => Source::Aws(Aws::connect(Some(config), task, timeout).await),
            Access::Agent(address) => Source::Agent(Agent::new(*address, timeout)),
        });
        self.source = Some(Arc::clone(&source));
        source
    }

    /// Asks `question` if it may be asked now. `None` when it may not, or there was no answer.
    async fn ask<T>(
        &mut self,
        operation: Operation,
        cluster: &ClusterName,
        question: impl Future<Output = Result<T, SourceError>>,
    ) -> Option<T> {
        if !self.pace.allows(cluster, operation, Instant::now()) {
            return None;
        }
        let wait = self.pace.take(Instant::now());
        if wait > Duration::ZERO {
            tokio::time::sleep(wait).await;
        }
        // Many calls may take longer than what is used here would be kept.
        self.open |= self.touch();
        self.memory.counters.called(operation);
        match question.await {
            Ok(answer) => {
                if self.pace.succeeded(cluster, operation) {
                    info!("ECS answers again");
                }
                Some(answer)
            }
            Err(error) => {
                self.memory.counters.failed(error.trouble);
                let news = self.pace.failed(&error, Instant::now());
                complain(&error, news);
                None
            }
        }
    }
}

/// Once for each trouble, until it is over.
fn complain(error: &SourceError, news: bool) {
    match error.trouble {
        _ if !news => debug!("{error}"),
        Trouble::Refused => warn!(
            "{error}: allow ecs:DescribeTasks, ecs:DescribeServices and ecs:ListServices to this \
             host's role; meanwhile Docker's labels tell cluster and task"
        ),
        Trouble::Throttled | Trouble::Unreachable => warn!(
            "{error}: what is known of tasks and services stays, marked with its age; ECS is asked \
             again later"
        ),
    }
}
