use super::*;

const TASK: &str = "arn:aws:ecs:eu-west-1:012345678910:task/prod/1f";

fn prod() -> ClusterName {
    ClusterName::parse("prod").unwrap()
}

#[test]
fn a_task_keeps_what_never_changes() {
    let container = types::Container::builder()
        .name("nginx")
        .cpu("128")
        .memory_reservation("64");
    let told = types::Task::builder()
        .task_arn(TASK)
        .task_definition_arn("arn:aws:ecs:eu-west-1:012345678910:task-definition/web:7")
        .group("service:web")
        .started_by("ecs-svc/123")
        .launch_type(types::LaunchType::Ec2)
        .cpu("256")
        .memory("512")
        .containers(container.build())
        .containers(types::Container::builder().build())
        .build();
    let task = task(told).unwrap();
    assert_eq!(task.family.as_deref(), Some("web"));
    assert_eq!(task.revision.as_deref(), Some("7"));
    assert_eq!(task.service(), ServiceName::parse("web").ok());
    assert_eq!(task.started_by.as_deref(), Some("ecs-svc/123"));
    assert_eq!(task.launch_type.as_deref(), Some("EC2"));
    assert_eq!(
        task.reserved_for("nginx"),
        Reserved {
            cpu: Some(128),
            memory: Some(64)
        }
    );
    assert_eq!(
        task.reserved_for("envoy"),
        Reserved {
            cpu: Some(256),
            memory: Some(512)
        }
    );
    assert_eq!(task.containers.len(), 1);
}

#[test]
fn a_task_without_arn_is_none_and_one_with_nothing_else_is() {
    assert_eq!(
        task(types::Task::builder().group("service:web").build()),
        None
    );
    assert_eq!(task(types::Task::builder().task_arn("web").build()), None);
    let arn = TaskArn::parse(TASK).unwrap();
    assert_eq!(
        task(types::Task::builder().task_arn(TASK).build()),
        Some(Task::new(arn))
    );
}

#[test]
fn a_service_is_started_by_its_deployments_and_task_sets() {
    let deployment = |id, status| types::Deployment::builder().id(id).status(status);
    let told = types::Service::builder()
        .service_arn("arn:aws:ecs:eu-west-1:012345678910:service/prod/web")
        .status("ACTIVE")
        .desired_count(3)
        .running_count(-1)
        .deployments(deployment("ecs-svc/1", "ACTIVE").build())
        .deployments(
            deployment("ecs-svc/2", "PRIMARY")
                .rollout_state(types::DeploymentRolloutState::InProgress)
                .build(),
        )
        .deployments(types::Deployment::builder().build())
        .task_sets(types::TaskSet::builder().id("ecs-svc/3").build())
        .build();
    let service = service(&prod(), told).unwrap();
    assert_eq!(service.key.to_string(), "prod/web");
    assert_eq!((service.desired, service.running), (3, 0));
    assert_eq!(service.rollout(), Some("IN_PROGRESS"));
    for id in ["ecs-svc/1", "ecs-svc/2", "ecs-svc/3"] {
        assert!(service.started(id), "{id}");
    }
    assert!(!service.started("") && !service.started("ecs-svc/4"));
    assert_eq!(
        super::service(&prod(), types::Service::builder().build()),
        None
    );
}
