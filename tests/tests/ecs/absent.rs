//! What is not there is asked for once.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use probe_tests::proxy::Fault;
use probe_user::identity::ecs::Options;
use probe_user::identity::{ContainerId, Facts, Life, Runtime};

use crate::host::{Host, options};

const NO_TASK: &str =
    "arn:aws:ecs:us-east-1:123456789012:task/prod/0123456789abcdef0123456789abcdef";
const NO_CLUSTER: &str =
    "arn:aws:ecs:us-east-1:123456789012:task/gone/0123456789abcdef0123456789abcdef";

const MISSING: Fault = Fault::Answer(
    200,
    r#"{"services": [], "failures": [{"arn": "arn:aws:ecs:us-east-1:123456789012:service/prod/web", "reason": "MISSING"}]}"#,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_ecs_nothing_is_asked() {
    let host = Host::start(options()).await.unwrap();
    for number in 0..50 {
        let id = ContainerId::new(&format!("plain-{number}"));
        let labels = [("maintainer".to_owned(), "someone".to_owned())];
        host.directory.upsert(
            Facts {
                labels: Some(labels.into()),
                life: Some(Life::Running),
                ..Facts::new(id, "unix:///test".into(), Runtime::Docker)
            },
            Instant::now(),
        );
    }
    host.ecs.settled().await;
    assert_eq!(host.ecs.stats().calls(), 0);
    assert!(host.proxy.calls().is_empty());
    let any = &host.directory.containers()[0];
    assert_eq!(host.ecs.of(any), None);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_one_off_task_is_of_no_service_and_looked_for_nowhere() {
    let host = Host::start(options()).await.unwrap();
    host.fleet.cluster("prod").unwrap();
    host.fleet.service("prod", "web").unwrap();
    let web = host
        .fleet
        .tasks("prod", 1, Some("service:web"), None)
        .unwrap();
    let one_off = host.fleet.tasks("prod", 1, None, Some("cron")).unwrap();
    let web = host.run(&web[0], "prod");
    let one_off = host.run(&one_off[0], "prod");
    host.until("both are known", |host| {
        host.view(&one_off).task.is_some() && host.view(&web).state.is_some()
    })
    .await;
    host.refreshes(3, "prod").await;
    assert_eq!(host.service(&one_off), None);
    let proxy = host.stop().await;
    assert_eq!(proxy.count("ListServices", "prod"), 0);
    assert_eq!(proxy.count("DescribeTasks", "prod"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_nowhere_is_listed_for_once_and_found_when_it_appears() {
    // Longer than the refreshes take that it must outlast, also on a busy machine.
    let negative = Duration::from_secs(12);
    let host = Host::start(Options {
        negative,
        ..options()
    })
    .await
    .unwrap();
    host.fleet.cluster("prod").unwrap();
    host.fleet.service("prod", "web").unwrap();
    let start = |group, started_by| host.fleet.tasks("prod", 1, Some(group), Some(started_by));
    let web = host.run(&start("service:web", "ecs-svc/1").unwrap()[0], "prod");
    let late = host.run(&start("service:late", "ecs-svc/2").unwrap()[0], "prod");
    let odd = host.run(&start("nightly", "scheduler").unwrap()[0], "prod");
    host.until("web is known", |host| host.view(&web).state.is_some())
        .await;
    host.refreshes(3, "prod").await;
    assert_eq!(host.proxy.count("ListServices", "prod"), 1);
    // Its group names it, even though ECS does not know it.
    assert_eq!(host.service(&late).as_deref(), Some("late"));
    assert_eq!(host.service(&odd), None);
    assert!(host.view(&late).state.is_none());

    host.fleet.service("prod", "late").unwrap();
    host.until("it is there", |host| host.view(&late).state.is_some())
        .await;
    host.refreshes(2, "prod").await;
    let proxy = host.stop().await;
    // The other one is looked for again when its time is up, and no sooner.
    let lists = proxy
        .calls()
        .into_iter()
        .filter(|call| call.operation == "ListServices");
    let lists: Vec<_> = lists.map(|call| call.at).collect();
    assert!(
        lists.windows(2).all(|two| two[1] - two[0] >= negative),
        "{lists:?}"
    );
    assert!(lists.len() <= 2, "{lists:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_vanished_is_asked_for_once_and_keeps_its_labels() {
    let host = Host::start(options()).await.unwrap();
    host.fleet.cluster("prod").unwrap();
    host.fleet.service("prod", "web").unwrap();
    let web = host
        .fleet
        .tasks("prod", 1, Some("service:web"), None)
        .unwrap();
    let web = host.run(&web[0], "prod");
    let gone = host.run(NO_TASK, "prod");
    let nowhere = host.run(NO_CLUSTER, "gone");
    let bad = host.run("arn:aws:ecs:forged", "prod");
    host.until("web is known", |host| host.view(&web).state.is_some())
        .await;
    host.refreshes(3, "prod").await;
    for id in [&gone, &nowhere, &bad] {
        let view = host.view(id);
        assert_eq!(view.definition().as_deref(), Some("app:1"));
        assert_eq!((view.task, view.service), (None, None));
    }

    // A service goes while a task of it is here: what was known stays, and gets no younger.
    let status = |host: &Host| {
        host.view(&web)
            .state
            .unwrap()
            .value
            .status
            .as_str()
            .to_owned()
    };
    host.fleet.remove_service("prod", "web").unwrap();
    host.until("it is inactive", |host| status(host) == "INACTIVE")
        .await;
    // ECS tells of a service that is inactive for an hour or so, and no longer.
    host.proxy.set(MISSING);
    host.until("it is missing", |host| status(host) == "MISSING")
        .await;
    host.proxy.set(Fault::None);
    let calls = host.proxy.calls().len();
    let other = host.fleet.service("prod", "other").unwrap();
    let other = host
        .fleet
        .tasks("prod", 1, Some("service:other"), Some(&other))
        .unwrap();
    host.run(&other[0], "prod");
    host.refreshes(3, "prod").await;
    let view = host.view(&web);
    assert_eq!(view.service.unwrap().as_str(), "web");
    let state = view.state.unwrap();
    assert_eq!(state.value.status.as_str(), "MISSING");
    assert!(
        state.age() > Duration::from_millis(500),
        "{:?}",
        state.age()
    );

    let proxy = host.stop().await;
    assert_eq!(proxy.count("DescribeTasks", "prod"), 2);
    assert_eq!(proxy.count("DescribeTasks", "gone"), 1);
    assert_eq!(
        proxy.count("ListServices", "prod") + proxy.count("ListServices", "gone"),
        0
    );
    let asked: BTreeSet<_> = proxy.calls()[calls..]
        .iter()
        .flat_map(|c| c.items.clone())
        .collect();
    assert!(!asked.contains("web"), "{asked:?}");
}
