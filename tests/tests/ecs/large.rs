//! A cluster so large that looking through it takes longer than what nobody uses is kept.

use std::time::Duration;

use probe_user::identity::ecs::{Options, Rate};

use crate::host::{Host, options};

/// Seven calls of DescribeServices.
const SERVICES: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_first_is_still_known_when_the_search_ends() {
    let host = Host::start(Options {
        idle: Duration::from_secs(1),
        rate: Rate {
            per_second: 2,
            burst: 1,
        },
        ..options()
    })
    .await
    .unwrap();
    host.fleet.cluster("prod").unwrap();
    let names = (0..SERVICES).map(|number| format!("service-{number:02}"));
    let deployments: Vec<_> = names
        .map(|name| host.fleet.service("prod", &name).unwrap())
        .collect();
    // Services are described by name: this one's comes first, three seconds before the last.
    let first = host
        .fleet
        .tasks("prod", 1, Some("blue"), Some(&deployments[0]))
        .unwrap();
    let odd = host
        .fleet
        .tasks("prod", 1, Some("nightly"), Some("scheduler"))
        .unwrap();
    let first = host.run(&first[0], "prod");
    let odd = host.run(&odd[0], "prod");
    host.until("all are described", |host| {
        host.proxy.count("DescribeServices", "prod") >= SERVICES.div_ceil(10)
    })
    .await;
    host.ecs.settled().await;
    let service = |host: &Host| {
        let state = host.view(&first).state?;
        Some(state.value.key.name.to_string())
    };
    assert_eq!(service(&host).as_deref(), Some("service-00"));
    host.refreshes(2, "prod").await;
    assert_eq!(service(&host).as_deref(), Some("service-00"));
    assert_eq!(host.service(&odd), None);
    let proxy = host.stop().await;
    assert_eq!(proxy.count("DescribeTasks", "prod"), 1, "once each");
    assert_eq!(proxy.count("ListServices", "prod"), 1);
    let refreshes = proxy.calls().into_iter().rev().take(2);
    let asked: Vec<_> = refreshes.map(|call| call.items).collect();
    assert_eq!(asked, [["service-00"], ["service-00"]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_a_search_for_another_finds_is_refreshed_from_then_on() {
    let host = Host::start(options()).await.unwrap();
    host.fleet.cluster("prod").unwrap();
    let start = |group, starter: &str| {
        let started = host.fleet.tasks("prod", 1, Some(group), Some(starter));
        host.run(&started.unwrap()[0], "prod")
    };
    let late = start("service:late", "ecs-svc/1");
    host.until("it was looked for", |host| {
        host.proxy.count("ListServices", "prod") == 1
    })
    .await;
    host.ecs.settled().await;
    assert!(host.view(&late).state.is_none());

    // It is there by now, and nobody is to ask for it for ten minutes; but for another.
    host.fleet.service("prod", "late").unwrap();
    start("nightly", "scheduler");
    host.until("it is found", |host| host.view(&late).state.is_some())
        .await;
    host.fleet.scale("prod", "late", 7).unwrap();
    host.until("its new count", |host| {
        let state = host.view(&late).state;
        state.is_some_and(|known| known.value.desired == 7)
    })
    .await;
    let proxy = host.stop().await;
    assert_eq!(proxy.count("ListServices", "prod"), 2);
}
