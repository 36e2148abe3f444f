//! How many calls it takes to know everything: exactly as many as planned.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::collections::BTreeMap;
use std::time::Duration;

use probe_tests::Engine;
use probe_tests::fleet::{CONTAINER, FAMILY, RESERVED};
use probe_user::identity::ecs::{EcsView, Options};

use crate::everything::{CLUSTERS, Everything, everything};
use crate::host::{Host, options};

#[track_caller]
fn is_whole(view: EcsView, service: &str) {
    assert_eq!(view.service.as_ref().unwrap().as_str(), service);
    assert_eq!(view.definition().unwrap(), format!("{FAMILY}:1"));
    assert_eq!(view.facts.container.as_deref(), Some(CONTAINER));
    assert_eq!(view.launch(), Some("FARGATE"));
    let reserved = view.reserved().cpu.zip(view.reserved().memory);
    assert_eq!(reserved, Some(RESERVED));
    assert_eq!(view.state.unwrap().value.desired, 2);
}

fn total(host: &Host, operation: &str) -> usize {
    let count = |(cluster, ..): (&str, usize, usize, usize)| host.proxy.count(operation, cluster);
    CLUSTERS.into_iter().map(count).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_refreshes_of_250_tasks_take_exactly_the_planned_calls() {
    let refresh = Duration::from_secs(1);
    let engine = Engine::start().unwrap();
    let options = Options {
        refresh,
        ..options()
    };
    let prepared = Host::start_after(options, |fleet, directory| {
        everything(&engine, fleet, directory)
    });
    let (host, everything) = prepared.await.unwrap();
    let Everything {
        tasks,
        engines,
        containers: _run,
    } = everything;
    host.until("everything is known", |host| {
        tasks.iter().all(|(id, _)| host.view(id).state.is_some())
    })
    .await;
    for (id, service) in &tasks {
        is_whole(host.view(id), service);
    }

    // Ten refreshes: of 13, 10 and 2 services.
    host.until("ten refreshes", |host| {
        total(host, "DescribeServices") >= 10 * (2 + 1 + 1)
    })
    .await;
    let calls = host.proxy.calls();
    let stats = host.ecs.stats();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for call in &calls {
        *counts
            .entry((call.operation.clone(), call.cluster.clone()))
            .or_default() += 1;
    }
    let expected = [
        (("DescribeServices", "alpha"), 20),
        (("DescribeServices", "beta"), 10),
        (("DescribeServices", "gamma"), 10),
        (("DescribeTasks", "alpha"), 2),
        (("DescribeTasks", "beta"), 1),
        (("DescribeTasks", "gamma"), 1),
    ];
    let expected = expected.map(|((o, c), n)| ((o.to_owned(), c.to_owned()), n));
    assert_eq!(counts, BTreeMap::from(expected));
    assert_eq!((stats.describe_tasks, stats.describe_services), (4, 40));
    assert_eq!(
        (stats.list_services, stats.throttled, stats.errors),
        (0, 0, 0)
    );
    assert_eq!((stats.tasks, stats.services), (250, 25));
    assert!(stats.saved() >= 500, "{stats:?}");

    // Ten refreshes are nine periods, each a tenth off at most.
    let services = calls
        .iter()
        .filter(|call| call.operation == "DescribeServices");
    let times: Vec<_> = services.map(|call| call.at).collect();
    let took = times[times.len() - 1] - times[0];
    assert!(took >= refresh * 9 * 9 / 10, "{took:?}");

    // Tasks of a service that no group names.
    let deployment = host.fleet.service("beta", "unknown").unwrap();
    let more = host
        .fleet
        .tasks("beta", 3, Some("blue"), Some(&deployment))
        .unwrap();
    let more: Vec<_> = more.iter().map(|arn| host.run(arn, "beta")).collect();
    host.until("it is found", |host| {
        more.iter()
            .all(|id| host.service(id).as_deref() == Some("unknown"))
    })
    .await;
    host.refreshes(3, "beta").await;
    engines.end().await;
    let proxy = host.stop().await;
    assert_eq!(proxy.count("DescribeTasks", "beta"), 2);
    assert_eq!(proxy.count("ListServices", "beta"), 1);
    assert_eq!(
        proxy.count("ListServices", "alpha") + proxy.count("ListServices", "gamma"),
        0
    );
    let calls = proxy.calls();
    let list = calls
        .iter()
        .position(|call| call.operation == "ListServices")
        .unwrap();
    assert_eq!(
        calls[list + 1].items,
        ["unknown"],
        "those just refreshed are not described again"
    );
    // From then on it is the eleventh service of its cluster: two calls a refresh.
    let refreshes = calls[list + 2..]
        .iter()
        .filter(|call| call.cluster == "beta");
    let sizes: Vec<_> = refreshes.map(|call| call.items.len()).collect();
    assert!(
        sizes
            .chunks(2)
            .all(|sizes| sizes == [10, 1] || sizes == [10]),
        "{sizes:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_replaces_tasks_without_a_list() {
    let host = Host::start(options()).await.unwrap();
    host.fleet.cluster("prod").unwrap();
    let first = host.fleet.service("prod", "web").unwrap();
    let old = host
        .fleet
        .tasks("prod", 2, Some("x"), Some(&first))
        .unwrap();
    let old: Vec<_> = old.iter().map(|arn| host.run(arn, "prod")).collect();
    host.until("found by a list", |host| {
        old.iter().all(|id| host.service(id).is_some())
    })
    .await;

    let second = host.fleet.redeploy("prod", "web").unwrap();
    assert_ne!(first, second);
    let new = host
        .fleet
        .tasks("prod", 2, Some("x"), Some(&second))
        .unwrap();
    let new: Vec<_> = new.iter().map(|arn| host.run(arn, "prod")).collect();
    host.end(&old[0]);
    host.fleet.scale("prod", "web", 7).unwrap();
    host.until("found by a refresh", |host| {
        new.iter()
            .all(|id| host.service(id).as_deref() == Some("web"))
    })
    .await;
    let desired = |host: &Host| host.view(&new[0]).state.unwrap().value.desired;
    host.until("the new count", |host| desired(host) == 7).await;
    // ECS has forgotten the deployment; its last tasks are still the service's.
    assert_eq!(host.service(&old[1]).as_deref(), Some("web"));
    let version = host.ecs.version();
    host.refreshes(2, "prod").await;
    assert_eq!(
        host.ecs.version(),
        version,
        "a refresh that brings nothing new changes nothing"
    );
    let proxy = host.stop().await;
    assert_eq!(proxy.count("ListServices", "prod"), 1);
    assert_eq!(proxy.count("DescribeTasks", "prod"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unused_is_forgotten() {
    let idle = Duration::from_secs(1);
    let host = Host::start(Options { idle, ..options() }).await.unwrap();
    host.fleet.cluster("prod").unwrap();
    host.fleet.service("prod", "web").unwrap();
    let tasks = host
        .fleet
        .tasks("prod", 2, Some("service:web"), None)
        .unwrap();
    let ids: Vec<_> = tasks.iter().map(|arn| host.run(arn, "prod")).collect();
    host.until("known", |host| {
        ids.iter().all(|id| host.view(id).state.is_some())
    })
    .await;
    // Longer than the idle time, with nobody to look it up but its container here.
    host.refreshes(4, "prod").await;
    let stats = host.ecs.stats();
    assert_eq!(
        (stats.tasks, stats.services, stats.describe_tasks),
        (2, 1, 1)
    );
    host.end(&ids[0]);
    host.until("one task is forgotten", |host| host.ecs.stats().tasks == 1)
        .await;
    host.end(&ids[1]);
    host.until("all is forgotten", |host| {
        let stats = host.ecs.stats();
        (stats.tasks, stats.services) == (0, 0)
    })
    .await;
    // What the labels say outlives it.
    let view = host.view(&ids[0]);
    assert_eq!(
        (view.definition().as_deref(), view.task),
        (Some("app:1"), None)
    );
    assert_eq!(host.ecs.stats().evicted, 0);
    host.stop().await;
}
