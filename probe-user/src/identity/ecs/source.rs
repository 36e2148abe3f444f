//! Where facts come from: AWS's API, or the ECS agent of this host. Both sit behind one trait, so
//! that who asks cannot tell them apart.

use std::error::Error;
use std::fmt;

use super::agent::Agent;
use super::arn::{ClusterName, ServiceArn, TaskArn};
use super::aws::Aws;
use super::service::Service;
use super::task::Task;

/// What can be asked.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Operation {
    /// AWS: up to 100 tasks of one cluster.
    DescribeTasks,
    /// AWS: up to 10 services of one cluster.
    DescribeServices,
    /// AWS: up to 100 names of a cluster's services.
    ListServices,
    /// The agent: every task of this host.
    AgentTasks,
}

impl Operation {
    /// What its owner calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DescribeTasks => "DescribeTasks",
            Self::DescribeServices => "DescribeServices",
            Self::ListServices => "ListServices",
            Self::AgentTasks => "agent tasks",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far the trouble with a call reaches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// AWS asked for fewer calls: none is made for a while.
    Throttled,
    /// No answer, or one that makes no sense: none is made for a while.
    Unreachable,
    /// This question was refused, such as for want of permission: others may do.
    Refused,
}

/// A call that failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation}{} failed: {reason}", In(cluster.as_ref()))]
pub struct SourceError {
    /// What was asked.
    pub operation: Operation,
    /// Of which cluster.
    pub cluster: Option<ClusterName>,
    /// How far it reaches.
    pub trouble: Trouble,
    /// AWS's code and sentence, or the innermost cause; no more than 300 characters.
    pub reason: String,
    /// What the client reported.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

struct In<'a>(Option<&'a ClusterName>);

impl fmt::Display for In<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |cluster| write!(f, " in {cluster}"))
    }
}

/// Knows tasks.
pub trait TaskSource {
    /// What asking for tasks is called.
    fn operation(&self) -> Operation;

    /// Tasks that one call may ask for.
    fn batch(&self) -> usize;

    /// Describes those of `tasks` that there are, in no order; the others are left out. A cluster
    /// that is not there has no tasks.
    ///
    /// # Errors
    /// When there was no answer.
    fn tasks(
        &self,
        cluster: &ClusterName,
        tasks: &[TaskArn],
    ) -> impl Future<Output = Result<Vec<Task>, SourceError>> + Send;
}

/// Knows services.
pub trait ServiceSource {
    /// Services that one call may ask for.
    const BATCH: usize;

    /// Describes those of `names`, or ARNs, that there are, in no order.
    ///
    /// # Errors
    /// When there was no answer.
    fn services(
        &self,
        cluster: &ClusterName,
        names: &[String],
    ) -> impl Future<Output = Result<Vec<Service>, SourceError>> + Send;

    /// One page of a cluster's services, and what to ask for the next with.
    ///
    /// # Errors
    /// When there was no answer.
    fn list(
        &self,
        cluster: &ClusterName,
        next: Option<String>,
    ) -> impl Future<Output = Result<(Vec<ServiceArn>, Option<String>), SourceError>> + Send;
}

/// One or the other.
#[derive(Debug)]
pub(super) enum Source {
    Aws(Aws),
    Agent(Agent),
}

impl Source {
    /// The agent knows no services.
    pub(super) fn services(&self) -> Option<&Aws> {
        match self {
            Self::Aws(aws) => Some(aws),
            Self::Agent(_) => None,
        }
    }
}

impl TaskSource for Source {
    fn operation(&self) -> Operation {
        match self {
            Self::Aws(aws) => aws.operation(),
            Self::Agent(agent) => agent.operation(),
        }
    }

    fn batch(&self) -> usize {
        match self {
            Self::Aws(aws) => aws.batch(),
            Self::Agent(agent) => agent.batch(),
        }
    }

    async fn tasks(
        &self,
        cluster: &ClusterName,
        tasks: &[TaskArn],
    ) -> Result<Vec<Task>, SourceError> {
        match self {
            Self::Aws(aws) => aws.tasks(cluster, tasks).await,
            Self::Agent(agent) => agent.tasks(cluster, tasks).await,
        }
    }
}
