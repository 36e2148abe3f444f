//! Where ECS put a container, and how its service does: plain values, of one moment.

use std::time::{Duration, Instant};

use crate::identity::{
    EcsView,
    ecs::{Known, service::Service},
};

/// To tell how old a fact is.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The time.
    pub now: Instant,
    /// The age from which on a fact is overdue, and shown with it.
    pub overdue: Duration,
}

/// What ECS says of a container, or of what stands for several. What is not known is `None`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Placement {
    /// The cluster's name.
    pub cluster: Option<String>,
    /// The task's ARN.
    pub task: Option<String>,
    /// `family:revision` of its definition.
    pub definition: Option<String>,
    /// The container's name in that definition.
    pub container: Option<String>,
    /// How the task was launched: its launch type or capacity provider.
    pub launch: Option<String>,
    /// CPU reserved for the container, else for its task: 1024 are one virtual CPU.
    pub cpu: Option<u32>,
    /// Memory reserved, in MiB.
    pub memory: Option<u32>,
    /// The service's name; a one-off task has none.
    pub service: Option<String>,
    /// How the service does, once that was told.
    pub state: Option<ServiceState>,
}

/// A service as of the last time it was asked for. Its figures are of all hosts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceState {
    /// `ACTIVE`, `DRAINING`, `INACTIVE`, or `MISSING` when ECS knows it no more.
    pub status: String,
    /// Tasks it wants.
    pub desired: u32,
    /// Tasks that run.
    pub running: u32,
    /// Tasks that are starting.
    pub pending: u32,
    /// The state of its primary deployment: `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout: Option<String>,
    /// Seconds since it was told, where it should have been told again by now.
    pub age: Option<u64>,
}

impl Placement {
    /// The plain values of `view`. Without a clock nothing is overdue; what never changes, as all
    /// that is known of a task, never is.
    #[must_use]
    pub fn of(view: &EcsView, clock: Option<Clock>) -> Self {
        let reserved = view.reserved();
        let facts = &view.facts;
        Self {
            cluster: facts.cluster.as_ref().map(ToString::to_string),
            task: facts.task.as_ref().map(ToString::to_string),
            definition: view.definition(),
            container: facts.container.clone(),
            launch: view.launch().map(str::to_owned),
            cpu: reserved.cpu,
            memory: reserved.memory,
            service: view.service.as_ref().map(ToString::to_string),
            state: view.state.as_deref().map(|known| state(known, clock)),
        }
    }

    /// The service's ARN: names alone are not alone, across regions and accounts.
    #[must_use]
    pub fn service_arn(&self) -> Option<String> {
        let (account, _) = self.task.as_ref()?.split_once(":task/")?;
        let (cluster, service) = (self.cluster.as_ref()?, self.service.as_ref()?);
        Some(format!("{account}:service/{cluster}/{service}"))
    }

    /// Leaves what is true of `other` as well.
    pub(super) fn keep_common(&mut self, other: &Self) {
        keep(&mut self.cluster, other.cluster.as_ref());
        keep(&mut self.task, other.task.as_ref());
        keep(&mut self.definition, other.definition.as_ref());
        keep(&mut self.container, other.container.as_ref());
        keep(&mut self.launch, other.launch.as_ref());
        keep(&mut self.cpu, other.cpu.as_ref());
        keep(&mut self.memory, other.memory.as_ref());
        keep(&mut self.service, other.service.as_ref());
        keep(&mut self.state, other.state.as_ref());
    }
}

/// Leaves `own` if `other` is the same.
pub(super) fn keep<T: PartialEq>(own: &mut Option<T>, other: Option<&T>) {
    if own.as_ref() != other {
        *own = None;
    }
}

/// Whether what ECS knows of the view's task is not all known here: it was not described yet, or its
/// service should have been told again by now.
pub(super) fn is_behind(view: &EcsView, clock: Option<Clock>) -> bool {
    let overdue = |known: &Known<Service>| {
        clock.is_some_and(|clock| clock.now.saturating_duration_since(known.told) > clock.overdue)
    };
    let described = view.task.is_some() || view.facts.task.is_none();
    !described || view.state.as_deref().is_some_and(overdue)
}

fn state(known: &Known<Service>, clock: Option<Clock>) -> ServiceState {
    let service = &known.value;
    let age = clock.and_then(|clock| {
        let age = clock.now.saturating_duration_since(known.told);
        (age > clock.overdue).then_some(age.as_secs())
    });
    ServiceState {
        status: service.status.as_str().to_owned(),
        desired: service.desired,
        running: service.running,
        pending: service.pending,
        rollout: service.rollout().map(str::to_owned),
        age,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::ecs::samples;

    fn known() -> EcsView {
        let here = samples::here();
        let service = here.services.into_values().next();
        service.unwrap().view
    }

    #[test]
    fn everything_known_is_there() {
        let view = known();
        let placement = Placement::of(&view, None);
        let Placement { state, .. } = &placement;
        let state = state.as_ref().unwrap();
        assert_eq!((state.desired, state.running, state.pending), (3, 2, 1));
        assert_eq!(state.rollout.as_deref(), Some("IN_PROGRESS"));
        assert_eq!(placement.definition.as_deref(), Some("web:7"));
        assert_eq!((placement.cpu, placement.memory), (Some(256), Some(512)));
        assert_eq!(placement.launch.as_deref(), Some("EC2"));
        assert_eq!(
            placement.service_arn().as_deref(),
            Some("arn:aws:ecs:eu-west-1:012345678910:service/prod/web")
        );
    }

    #[test]
    fn an_age_is_told_when_a_refresh_is_overdue() {
        let view = known();
        let told = view.state.as_ref().unwrap().told;
        let age = |later: u64| {
            let clock = Clock {
                now: told + Duration::from_secs(later),
                overdue: Duration::from_mins(1),
            };
            Placement::of(&view, Some(clock)).state.unwrap().age
        };
        assert_eq!(age(0), None);
        assert_eq!(age(60), None);
        assert_eq!(age(61), Some(61));
    }
}
