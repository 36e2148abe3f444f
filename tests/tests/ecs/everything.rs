//! Three clusters' tasks: some are containers of a real engine, the others are told of.

use std::sync::Arc;
use std::time::Duration;

use probe_tests::fleet::FAMILY;
use probe_tests::{Container, Engine, Fleet, image, wait};
use probe_user::identity::engines::Engines;
use probe_user::identity::{ContainerId, Directory};

use crate::host::{appear, labels};

/// Clusters with their services, tasks, and the tasks of those that a real engine runs: 25, 250 and 40
/// in all.
pub(crate) const CLUSTERS: [(&str, usize, usize, usize); 3] = [
    ("alpha", 13, 130, 20),
    ("beta", 10, 100, 12),
    ("gamma", 2, 20, 8),
];
const REAL: usize = 40;
const SOON: Duration = Duration::from_secs(30);

/// A task: its ARN, its cluster, the service it is of.
type Started = (String, &'static str, String);

/// Every task of these clusters; those that are to be real come first.
fn tasks(fleet: &Fleet) -> anyhow::Result<Vec<Started>> {
    let (mut real, mut others) = (Vec::new(), Vec::new());
    for (cluster, services, count, on_engine) in CLUSTERS {
        fleet.cluster(cluster)?;
        let mut tasks = Vec::new();
        for number in 0..services {
            let name = format!("{cluster}-{number}");
            let deployment = fleet.service(cluster, &name)?;
            let group = format!("service:{name}");
            let started = fleet.tasks(cluster, count / services, Some(&group), Some(&deployment));
            tasks.extend(started?.into_iter().map(|arn| (arn, cluster, name.clone())));
        }
        others.extend(tasks.split_off(on_engine));
        real.extend(tasks);
    }
    assert_eq!((real.len(), others.len()), (REAL, 250 - REAL));
    Ok([real, others].concat())
}

/// A container on the engine with the labels that ECS gives it.
fn run<'engine>(engine: &'engine Engine, task: &Started) -> anyhow::Result<Container<'engine>> {
    let (arn, cluster, _) = task;
    let id = arn.rsplit('/').next().unwrap_or(arn);
    let start = Container::of(engine, &image::BUSYBOX, &format!("ecs-{FAMILY}-1-{id}"))?;
    let start = labels(arn, cluster)
        .into_iter()
        .fold(start, |start, (name, value)| start.label(name, value));
    start.command(["sleep", "600"]).run()
}

/// Follows the engine from now on; its containers are known when this returns.
fn follow(engine: &Engine, directory: &Arc<Directory>) -> anyhow::Result<Engines> {
    let engines = Engines::follow(&[engine.host().parse()?], directory);
    wait::until("the engine has told", SOON, || {
        let known = directory.containers();
        let named = known.iter().all(|container| container.name.is_some());
        Ok((known.len() == REAL && named).then_some(()))
    })?;
    Ok(engines)
}

/// What the probe finds when it comes.
pub(crate) struct Everything<'engine> {
    /// Each with the service it is of.
    pub(crate) tasks: Vec<(ContainerId, String)>,
    pub(crate) containers: Vec<Container<'engine>>,
    pub(crate) engines: Engines,
}

/// The real ones run and are known by the engine's word, the others are told of.
pub(crate) fn everything<'engine>(
    engine: &'engine Engine,
    fleet: &Fleet,
    directory: &Arc<Directory>,
) -> anyhow::Result<Everything<'engine>> {
    let tasks = tasks(fleet)?;
    let started = tasks[..REAL].iter().map(|task| run(engine, task));
    let containers: Vec<_> = started.collect::<anyhow::Result<_>>()?;
    let engines = follow(engine, directory)?;
    let real = containers
        .iter()
        .map(|container| ContainerId::new(container.id()));
    let told = tasks[REAL..].iter();
    let told = told.map(|(arn, cluster, _)| appear(directory, arn, cluster));
    let ids: Vec<_> = real.chain(told).collect();
    let services = tasks.into_iter().map(|(_, _, service)| service);
    Ok(Everything {
        tasks: ids.into_iter().zip(services).collect(),
        containers,
        engines,
    })
}
