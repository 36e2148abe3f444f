//! AWS's types become ours, field by field; what has no name is left out.

use aws_sdk_ecs::types;

use crate::identity::ecs::arn::{ClusterName, ServiceArn, ServiceKey, ServiceName, TaskArn};
use crate::identity::ecs::service::{Deployment, MAX_DEPLOYMENTS, Service, ServiceStatus};
use crate::identity::ecs::task::{
    MAX_CONTAINERS, Reserved, Task, TaskContainer, definition, figure,
};

pub(super) fn task(task: types::Task) -> Option<Task> {
    let arn = TaskArn::parse(&task.task_arn?).ok()?;
    let definition = task.task_definition_arn.as_deref().and_then(definition);
    let (family, revision) = definition.unzip();
    let containers = task.containers.unwrap_or_default();
    Some(Task {
        arn,
        family,
        revision,
        group: told(task.group),
        started_by: told(task.started_by),
        launch_type: told(task.launch_type.map(|launch| launch.as_str().to_owned())),
        capacity_provider: told(task.capacity_provider_name),
        reserved: Reserved {
            cpu: figure(task.cpu.as_deref()),
            memory: figure(task.memory.as_deref()),
        },
        containers: containers
            .into_iter()
            .take(MAX_CONTAINERS)
            .filter_map(container)
            .collect(),
    })
}

fn container(container: types::Container) -> Option<TaskContainer> {
    let memory = figure(container.memory.as_deref());
    Some(TaskContainer {
        name: container.name?,
        reserved: Reserved {
            cpu: figure(container.cpu.as_deref()),
            // The hard limit, else the soft one: what the scheduler sets aside.
            memory: memory.or_else(|| figure(container.memory_reservation.as_deref())),
        },
    })
}

pub(super) fn service(cluster: &ClusterName, service: types::Service) -> Option<Service> {
    let by_arn = || {
        Some(
            ServiceArn::parse(service.service_arn.as_deref()?)
                .ok()?
                .name(),
        )
    };
    let by_name = || ServiceName::parse(service.service_name.as_deref()?).ok();
    let name = by_name().or_else(by_arn)?;
    let deployments = service.deployments.unwrap_or_default();
    let task_sets = service.task_sets.unwrap_or_default();
    Some(Service {
        key: ServiceKey {
            cluster: cluster.clone(),
            name,
        },
        status: ServiceStatus::Told(service.status.unwrap_or_default()),
        desired: count(service.desired_count),
        running: count(service.running_count),
        pending: count(service.pending_count),
        launch_type: told(service.launch_type.map(|launch| launch.as_str().to_owned())),
        deployments: deployments
            .into_iter()
            .filter_map(deployment)
            .chain(task_sets.into_iter().filter_map(task_set))
            .take(MAX_DEPLOYMENTS)
            .collect(),
    })
}

fn deployment(deployment: types::Deployment) -> Option<Deployment> {
    Some(Deployment {
        id: told(deployment.id)?,
        status: deployment.status.unwrap_or_default(),
        rollout: deployment
            .rollout_state
            .map(|state| state.as_str().to_owned()),
    })
}

/// With another deployment controller than ECS, tasks are started by a task set.
fn task_set(set: types::TaskSet) -> Option<Deployment> {
    Some(Deployment {
        id: told(set.id)?,
        status: set.status.unwrap_or_default(),
        rollout: None,
    })
}

/// Why something was not described, for the log.
pub(super) fn failure(failure: &types::Failure) -> String {
    format!(
        "{}: {}",
        failure.arn().unwrap_or("something unnamed"),
        failure.reason().unwrap_or("no reason given")
    )
}

fn told(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn count(count: i32) -> u32 {
    u32::try_from(count).unwrap_or_default()
}

#[cfg(test)]
mod tests;
