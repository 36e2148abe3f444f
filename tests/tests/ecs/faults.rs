//! AWS fails in every way: names stay, calls stay few, and all is well when it is back.

use std::time::{Duration, Instant};

use probe_tests::proxy::Fault;
use probe_user::identity::ecs::{Options, Pauses};

use crate::host::{Host, options};

const BAD_REQUEST: Fault = Fault::Answer(
    400,
    r#"{"__type":"InvalidParameterException","message":"injected"}"#,
);
const DENIED: Fault = Fault::Answer(
    400,
    r#"{"__type":"AccessDeniedException","message":"injected"}"#,
);
const THROTTLED: Fault = Fault::Answer(
    400,
    r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#,
);
const SERVER_ERROR: Fault = Fault::Answer(500, r#"{"__type":"ServerException"}"#);
const HTML: Fault = Fault::Answer(200, "<html>");
const CUT: Fault = Fault::Answer(200, r#"{"tasks": [{"taskArn": "arn:aws:ecs"#);

/// A host whose one service is known, and then `fault` for a second and a half.
async fn check(fault: Fault) -> anyhow::Result<()> {
    let mut options = options();
    if fault == Fault::Hang {
        options.timeout = Duration::from_secs(1);
    }
    let host = Host::start(options).await?;
    host.fleet.cluster("prod")?;
    host.fleet.service("prod", "web")?;
    let tasks = host.fleet.tasks("prod", 3, Some("service:web"), None)?;
    let known = host.run(&tasks[0], "prod");
    host.until("known", |host| host.view(&known).state.is_some())
        .await;

    let age = |host: &Host| {
        host.view(&known)
            .state
            .map_or(Duration::ZERO, |known| known.age())
    };
    host.proxy.set(fault);
    let before = host.ecs.stats();
    let start = Instant::now();
    // A task that cannot be described, beside a service that cannot be refreshed.
    let new = host.run(&tasks[1], "prod");
    let failures = |host: &Host| {
        let stats = host.ecs.stats();
        stats.throttled + stats.errors - before.throttled - before.errors
    };
    host.until("calls fail", |host| failures(host) >= 2).await;
    let late = host.run(&tasks[2], "prod");
    host.until("age", |host| age(host) > Duration::from_millis(1500))
        .await;
    let took = start.elapsed();
    let stats = host.ecs.stats();
    let calls = stats.calls() - before.calls();
    // Pauses of 100 to 600 ms, halved by chance: 50, 100, 200, then 300 ms each; a refusal stops
    // only its own kind of call, of which there are two.
    let pauses = 3 + took.as_millis() / 300 + 1;
    assert!(
        u128::from(calls) <= 2 * pauses,
        "{fault:?}: {calls} calls in {took:?}"
    );
    assert_eq!(failures(&host) > 0, calls > 0);
    if fault == THROTTLED {
        assert!(stats.throttled > 0 && stats.errors == 0, "{stats:?}");
    } else {
        assert!(stats.throttled == 0 && stats.errors > 0, "{stats:?}");
    }
    let view = host.view(&known);
    assert_eq!(
        view.service.map(|name| name.to_string()).as_deref(),
        Some("web")
    );
    assert_eq!(view.state.map(|known| known.value.desired), Some(2));
    let view = host.view(&new);
    assert_eq!(
        (view.definition().as_deref(), view.task),
        (Some("app:1"), None)
    );

    host.proxy.set(Fault::None);
    host.until("the new tasks are known", |host| {
        host.service(&new).is_some() && host.service(&late).is_some()
    })
    .await;
    host.until("young again", |host| age(host) < Duration::from_millis(500))
        .await;
    host.stop().await;
    Ok(())
}

macro_rules! faults {
    ($($name:ident: $fault:expr;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                check($fault).await.unwrap();
            }
        )*
    };
}

faults! {
    names_outlive_a_bad_request: BAD_REQUEST;
    names_outlive_a_denial: DENIED;
    names_outlive_throttling: THROTTLED;
    names_outlive_a_server_error: SERVER_ERROR;
    names_outlive_an_answer_that_is_none: HTML;
    names_outlive_half_an_answer: CUT;
    names_outlive_a_hung_endpoint: Fault::Hang;
    names_outlive_a_cut_connection: Fault::Close;
    names_outlive_a_dead_endpoint: Fault::Refuse;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partial_and_odd_answers_are_taken_for_what_they_hold() {
    let pauses = Pauses {
        first: Duration::from_millis(100),
        longest: Duration::from_millis(200),
    };
    let negative = Duration::from_mins(1);
    let host = Host::start(Options {
        pauses,
        negative,
        ..options()
    })
    .await
    .unwrap();
    host.proxy.set(Fault::Answer(
        200,
        r#"{"tasks": [{}, {"taskArn": ""}, {"taskArn": "arn:aws:ecs:us-east-1:1:task/x/y", "cpu": "lots"}],
            "failures": [{"arn": "arn:aws:ecs:us-east-1:123456789012:task/prod/1", "reason": "MISSING"}, {}]}"#,
    ));
    host.fleet.cluster("prod").unwrap();
    host.fleet.service("prod", "web").unwrap();
    let tasks = host
        .fleet
        .tasks("prod", 3, Some("service:web"), None)
        .unwrap();
    let ids: Vec<_> = tasks.iter().map(|arn| host.run(arn, "prod")).collect();
    host.until("it was asked", |host| {
        host.proxy.count("DescribeTasks", "prod") == 1
    })
    .await;
    host.ecs.settled().await;
    assert_eq!(host.ecs.stats().tasks, 0);
    host.proxy.set(Fault::None);
    // They are asked for again when the negative answer has had its time, and not when a container comes.
    let more = host
        .fleet
        .tasks("prod", 1, Some("service:web"), None)
        .unwrap();
    let more = host.run(&more[0], "prod");
    host.until("the new one", |host| host.view(&more).state.is_some())
        .await;
    assert_eq!(host.proxy.count("DescribeTasks", "prod"), 2);
    assert!(ids.iter().all(|id| host.view(id).task.is_none()));
    host.stop().await;
}
