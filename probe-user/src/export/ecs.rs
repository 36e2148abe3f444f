//! ECS on this host as JSON, schema `probe.ecs/v1`. What is not known is `null`; ages are seconds
//! since the source told a fact; CPU is in units of 1/1024, memory in MiB.

use std::io;
use std::time::Duration;

use serde::Serialize;

use crate::identity::ecs::arn::{ClusterName, ServiceKey, ServiceName, TaskArn};
use crate::identity::ecs::{EcsStats, Here, ServiceHere, TaskHere};

/// The name and version of the format.
pub const SCHEMA: &str = "probe.ecs/v1";

#[derive(Serialize)]
struct WireHere<'a> {
    schema: &'static str,
    host: &'a str,
    tasks: Vec<WireTask<'a>>,
    services: Vec<WireService<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<WireStats>,
}

#[derive(Serialize)]
struct WireTask<'a> {
    arn: &'a str,
    cluster: Option<&'a str>,
    definition: Option<String>,
    service: Option<&'a str>,
    launch: Option<&'a str>,
    group: Option<&'a str>,
    started_by: Option<&'a str>,
    cpu: Option<u32>,
    memory: Option<u32>,
    age: Option<f64>,
    containers: Vec<WireContainer<'a>>,
}

#[derive(Serialize)]
struct WireContainer<'a> {
    id: &'a str,
    name: &'a str,
    container_name: Option<&'a str>,
    cpu: Option<u32>,
    memory: Option<u32>,
}

#[derive(Serialize)]
struct WireService<'a> {
    cluster: &'a str,
    name: &'a str,
    status: Option<&'a str>,
    desired: Option<u32>,
    running: Option<u32>,
    pending: Option<u32>,
    launch: Option<&'a str>,
    rollout: Option<&'a str>,
    tasks_here: usize,
    age: Option<f64>,
}

#[derive(Serialize)]
struct WireStats {
    describe_tasks: u64,
    describe_services: u64,
    list_services: u64,
    agent_tasks: u64,
    saved: u64,
    throttled: u64,
    failed: u64,
    evicted: u64,
    left_out: u64,
}

/// Writes one JSON document and a line feed.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(
    here: &Here,
    stats: Option<&EcsStats>,
    host: &str,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let wire = WireHere {
        schema: SCHEMA,
        host,
        tasks: here.tasks.iter().map(task).collect(),
        services: here.services.iter().map(service).collect(),
        stats: stats.map(|stats| WireStats {
            describe_tasks: stats.describe_tasks,
            describe_services: stats.describe_services,
            list_services: stats.list_services,
            agent_tasks: stats.agent_tasks,
            saved: stats.saved(),
            throttled: stats.throttled,
            failed: stats.errors,
            evicted: stats.evicted,
            left_out: stats.tasks_left_out + stats.services_left_out,
        }),
    };
    serde_json::to_writer_pretty(&mut *out, &wire)?;
    writeln!(out)
}

fn task<'a>((arn, task): (&'a TaskArn, &'a TaskHere)) -> WireTask<'a> {
    let view = &task.view;
    let known = view.task.as_deref();
    let reserved = known.map(|known| known.value.reserved).unwrap_or_default();
    WireTask {
        arn: arn.as_str(),
        cluster: view.facts.cluster.as_ref().map(ClusterName::as_str),
        definition: view.definition(),
        service: view.service.as_ref().map(ServiceName::as_str),
        launch: view.launch(),
        group: known.and_then(|known| known.value.group.as_deref()),
        started_by: known.and_then(|known| known.value.started_by.as_deref()),
        cpu: reserved.cpu,
        memory: reserved.memory,
        age: known.map(|known| seconds(known.age())),
        containers: task
            .containers
            .iter()
            .map(|(container, view)| WireContainer {
                id: container.id.as_str(),
                name: container.display_name(),
                container_name: view.facts.container.as_deref(),
                cpu: view.reserved().cpu,
                memory: view.reserved().memory,
            })
            .collect(),
    }
}

fn service<'a>((key, service): (&'a ServiceKey, &'a ServiceHere)) -> WireService<'a> {
    let known = service.view.state.as_deref();
    let state = known.map(|known| &known.value);
    WireService {
        cluster: key.cluster.as_str(),
        name: key.name.as_str(),
        status: state.map(|state| state.status.as_str()),
        desired: state.map(|state| state.desired),
        running: state.map(|state| state.running),
        pending: state.map(|state| state.pending),
        launch: state.and_then(|state| state.launch_type.as_deref()),
        rollout: state.and_then(|state| state.rollout()),
        tasks_here: service.tasks,
        age: known.map(|known| seconds(known.age())),
    }
}

/// To the millisecond.
fn seconds(age: Duration) -> f64 {
    (age.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests;
