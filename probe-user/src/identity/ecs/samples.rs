//! A host with one task that is known and one that is not, for tests of what is printed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::arn::{ClusterName, ServiceKey, ServiceName, TaskArn};
use super::here::{Here, ServiceHere, TaskHere};
use super::service::{Deployment, Service, ServiceStatus};
use super::task::{Reserved, Task, TaskContainer};
use super::{EcsFacts, EcsStats, EcsView, Known};
use crate::identity::container::{Container, ContainerId};
use crate::identity::layout::Runtime;

fn arn(id: &str) -> TaskArn {
    TaskArn::parse(&format!(
        "arn:aws:ecs:eu-west-1:012345678910:task/prod/{id}"
    ))
    .expect("it is of the right form")
}

fn key() -> ServiceKey {
    ServiceKey {
        cluster: ClusterName::parse("prod").expect("letters"),
        name: ServiceName::parse("web").expect("letters"),
    }
}

fn facts(id: &str, family: &str) -> EcsFacts {
    EcsFacts {
        cluster: Some(key().cluster),
        task: Some(arn(id)),
        family: Some(family.to_owned()),
        revision: Some("7".to_owned()),
        container: Some("nginx".to_owned()),
    }
}

fn known(id: &str) -> EcsView {
    let task = Task {
        group: Some("service:web".to_owned()),
        started_by: Some("ecs-svc/123".to_owned()),
        launch_type: Some("EC2".to_owned()),
        containers: vec![TaskContainer {
            name: "nginx".to_owned(),
            reserved: Reserved {
                cpu: Some(256),
                memory: Some(512),
            },
        }],
        ..Task::new(arn(id))
    };
    let service = Service {
        key: key(),
        status: ServiceStatus::Told("ACTIVE".to_owned()),
        desired: 3,
        running: 2,
        pending: 1,
        launch_type: Some("EC2".to_owned()),
        deployments: vec![Deployment {
            id: "ecs-svc/123".to_owned(),
            status: "PRIMARY".to_owned(),
            rollout: Some("IN_PROGRESS".to_owned()),
        }],
    };
    EcsView {
        facts: facts(id, "web"),
        task: Some(Arc::new(Known::now(task))),
        service: Some(key().name),
        state: Some(Arc::new(Known::now(service))),
    }
}

fn task(view: EcsView, name: &str) -> TaskHere {
    let mut container = Container::new(ContainerId::new(name), Runtime::Docker);
    container.name = Some(format!("ecs-{name}"));
    TaskHere {
        view: view.clone(),
        containers: vec![(Arc::new(container), view)],
    }
}

pub(crate) fn here() -> Here {
    let unknown = EcsView {
        facts: facts("2f", "cron"),
        task: None,
        service: None,
        state: None,
    };
    let service = ServiceHere {
        view: known("1f"),
        tasks: 1,
    };
    Here {
        tasks: BTreeMap::from([
            (arn("1f"), task(known("1f"), "web")),
            (arn("2f"), task(unknown, "cron")),
        ]),
        services: BTreeMap::from([(key(), service)]),
    }
}

pub(crate) fn stats() -> EcsStats {
    EcsStats {
        describe_tasks: 1,
        describe_services: 10,
        list_services: 2,
        throttled: 3,
        errors: 4,
        tasks_from_memory: 500,
        services_from_memory: 400,
        tasks: 2,
        services: 1,
        ..EcsStats::default()
    }
}
