//! A service: what of it changes, as of the last time it was asked for.

use super::arn::ServiceKey;

/// Deployments and task sets of one service that are kept; ECS has a handful at most.
pub(super) const MAX_DEPLOYMENTS: usize = 32;

/// A service at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Service {
    /// Cluster and name.
    pub key: ServiceKey,
    /// Whether it is there.
    pub status: ServiceStatus,
    /// Tasks it wants.
    pub desired: u32,
    /// Tasks that run, on all hosts.
    pub running: u32,
    /// Tasks that are starting, on all hosts.
    pub pending: u32,
    /// `EC2`, `FARGATE` or `EXTERNAL`; `None` with a capacity provider.
    pub launch_type: Option<String>,
    /// Deployments and task sets, the primary one first; at most 32.
    pub deployments: Vec<Deployment>,
}

/// Whether a service is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ServiceStatus {
    /// As ECS calls it: `ACTIVE`, `DRAINING` or `INACTIVE`.
    Told(String),
    /// ECS knows it no more; the rest is what was last known.
    Missing,
}

impl ServiceStatus {
    /// ECS's word for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Told(status) => status,
            Self::Missing => "MISSING",
        }
    }
}

/// One deployment, or one task set, of a service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Deployment {
    /// `ecs-svc/<digits>`: what its tasks were started by.
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`; `None` where ECS does not roll out by itself.
    pub rollout: Option<String>,
}

impl Service {
    /// Whether a task started by `started_by` is of this service.
    #[must_use]
    pub fn started(&self, started_by: &str) -> bool {
        self.deployments.iter().any(|d| d.id == started_by)
    }

    /// The state of its primary deployment.
    #[must_use]
    pub fn rollout(&self) -> Option<&str> {
        let primary = self.deployments.iter().find(|d| d.status == "PRIMARY");
        primary?.rollout.as_deref()
    }
}
