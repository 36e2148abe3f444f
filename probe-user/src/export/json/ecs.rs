//! What the document says of ECS.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::topology::{Placement, placement::ServiceState};

/// Where ECS put a container, and how its service does, on all hosts. What is not known is left
/// out.
#[derive(Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub(in crate::export) struct Ecs<'a> {
    /// The cluster's name.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    cluster: Option<Cow<'a, str>>,
    /// The task's ARN.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    task: Option<Cow<'a, str>>,
    /// The task definition, as `family:revision`.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    definition: Option<Cow<'a, str>>,
    /// The container's name in that definition.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    container: Option<Cow<'a, str>>,
    /// The task's launch type, or its capacity provider.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    launch: Option<Cow<'a, str>>,
    /// CPU reserved, in units of 1/1024.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<u32>,
    /// Memory reserved, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<u32>,
    /// The service's name.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    service: Option<Cow<'a, str>>,
    /// The service's status: ACTIVE, DRAINING, INACTIVE, or MISSING when ECS knows it no more.
    /// With it come `desired`, `running` and `pending`.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    status: Option<Cow<'a, str>>,
    /// Tasks the service wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    desired: Option<u32>,
    /// Tasks of it that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<u32>,
    /// Tasks of it that are starting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<u32>,
    /// The state of its primary deployment: `IN_PROGRESS`, COMPLETED or FAILED.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    rollout: Option<Cow<'a, str>>,
    /// Seconds since the service's figures were told; left out while they are fresh. What is said
    /// of a task never changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<u64>,
}

impl<'a> From<&'a Placement> for Ecs<'a> {
    fn from(placement: &'a Placement) -> Self {
        fn text(text: Option<&String>) -> Option<Cow<'_, str>> {
            text.map(|text| text.as_str().into())
        }
        let state = placement.state.as_ref();
        Self {
            cluster: text(placement.cluster.as_ref()),
            task: text(placement.task.as_ref()),
            definition: text(placement.definition.as_ref()),
            container: text(placement.container.as_ref()),
            launch: text(placement.launch.as_ref()),
            cpu: placement.cpu,
            memory: placement.memory,
            service: text(placement.service.as_ref()),
            status: text(state.map(|state| &state.status)),
            desired: state.map(|state| state.desired),
            running: state.map(|state| state.running),
            pending: state.map(|state| state.pending),
            rollout: text(state.and_then(|state| state.rollout.as_ref())),
            age: state.and_then(|state| state.age),
        }
    }
}

impl From<Ecs<'_>> for Placement {
    fn from(wire: Ecs<'_>) -> Self {
        let text = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        Self {
            state: wire.status.map(|status| ServiceState {
                status: status.into_owned(),
                desired: wire.desired.unwrap_or_default(),
                running: wire.running.unwrap_or_default(),
                pending: wire.pending.unwrap_or_default(),
                rollout: text(wire.rollout),
                age: wire.age,
            }),
            cluster: text(wire.cluster),
            task: text(wire.task),
            definition: text(wire.definition),
            container: text(wire.container),
            launch: text(wire.launch),
            cpu: wire.cpu,
            memory: wire.memory,
            service: text(wire.service),
        }
    }
}
