//! Tasks and services on the graph's nodes, and nodes that are tasks and services.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::time::Duration;

use probe_tests::fleet::CONTAINER;
use probe_tests::probe::Graph;
use probe_tests::proxy::Fault;
use probe_tests::tally::Tally;
use probe_tests::{Container, Engine, Fleet, Moto, Network, Probe, Proxy, image, wait};
use serde_json::Value;

use crate::host::labels;

const SOON: Duration = Duration::from_secs(20);
/// A graph of hosts tells edges apart by port alone: nobody else's.
const PORT: u16 = 7431;

/// What the SDK needs to find the server at `endpoint`.
pub(crate) fn env(endpoint: &str) -> [(&str, &str); 6] {
    [
        ("AWS_ENDPOINT_URL_ECS", endpoint),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("RUST_LOG", "probe_user=debug"),
    ]
}

/// A container of the task.
pub(crate) fn run<'engine>(
    engine: &'engine Engine,
    network: &Network<'_>,
    name: &str,
    task: &str,
    command: &[&str],
) -> Container<'engine> {
    let start = Container::of(engine, &image::WORKLOAD, name).unwrap();
    let start = labels(task, "prod")
        .into_iter()
        .fold(start.on(network), |start, (name, value)| {
            start.label(name, value)
        });
    start.command(command).run().unwrap()
}

fn edges<'graph>(graph: &'graph Graph, source: &str, target: &str) -> Vec<&'graph Value> {
    let edges = graph.json["edges"].as_array().unwrap().iter();
    edges
        .filter(|edge| edge["source"] == source && edge["target"] == target)
        .collect()
}

/// Whatever nodes are folded into, what all edges to the servers' port add up to is what was said there.
#[track_caller]
fn adds_up(level: &str, graph: &Graph, said: &Tally) {
    let edges = graph.json["edges"].as_array().unwrap().iter();
    let edges: Vec<_> = edges.filter(|edge| edge["port"] == PORT).collect();
    for (key, expected) in [
        ("connections_opened", said.connections),
        ("connections_closed", said.connections),
        ("connections_failed", 0),
        ("bytes_sent", said.bytes_sent),
        ("bytes_received", said.bytes_received),
        ("sends", said.sends),
        ("receives", said.receives),
    ] {
        let values = edges.iter().map(|edge| edge[key].as_u64().unwrap());
        assert_eq!(values.sum::<u64>(), expected, "{key} by {level}");
    }
}

#[test]
fn nodes_have_their_task_and_service_and_may_be_folded_into_them() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let moto = Moto::start().unwrap();
    let proxy = Proxy::start(moto.address()).unwrap();
    let fleet = Fleet::at(moto.address()).unwrap();
    fleet.cluster("prod").unwrap();
    let deployment = fleet.service("prod", "web").unwrap();
    let web = fleet.tasks("prod", 2, Some("service:web"), Some(&deployment));
    let web = web.unwrap();
    let one_off = fleet.tasks("prod", 1, None, Some("cron")).unwrap();
    let port = PORT.to_string();
    let serve = ["serve", "--port", &port];
    let servers: Vec<_> = (0..2)
        .map(|n| run(&engine, &network, &format!("web-{n}"), &web[n], &serve))
        .collect();
    for server in &servers {
        server.wait_for_line("listening", SOON).unwrap();
    }
    let to = servers
        .iter()
        .map(|server| format!("{}:{PORT}", server.ip(&network).unwrap()));
    let to: Vec<_> = to.collect();

    let endpoint = proxy.endpoint();
    let levels = ["process", "container", "task", "service", "image", "host"];
    let probes =
        levels.map(|level| Probe::graph_with(&engine, &["--by", level], &env(&endpoint)).unwrap());
    let connect = [
        "connect",
        "--connections",
        "10",
        "--to",
        &to[0],
        "--to",
        &to[1],
    ];
    let cron = run(&engine, &network, "cron", &one_off[0], &connect);
    let mut said = cron.tally().unwrap();
    let own = servers[0]
        .exec([
            "/bin/workload",
            "connect",
            "--connections",
            "3",
            "--to",
            &to[1],
        ])
        .unwrap();
    said.add(&Tally::find(&own).unwrap());
    assert_eq!(said.connections, 23);
    let graphs = probes.map(|probe| probe.finish().unwrap());
    for (level, graph) in levels.iter().zip(&graphs) {
        adds_up(level, graph, &said);
    }
    let [_, containers, tasks, services, ..] = graphs;

    let ecs = &containers.node("web-0").unwrap()["ecs"];
    for (key, expected) in [
        ("cluster", Value::from("prod")),
        ("task", web[0].as_str().into()),
        ("definition", "app:1".into()),
        ("container", CONTAINER.into()),
        ("service", "web".into()),
        ("launch", "FARGATE".into()),
        ("status", "ACTIVE".into()),
        ("desired", 2.into()),
        ("cpu", 128.into()),
        ("memory", 256.into()),
    ] {
        assert_eq!(ecs[key], expected, "{key} of {ecs:#}");
    }
    assert!(
        ecs["running"].is_u64() && ecs["pending"].is_u64(),
        "{ecs:#}"
    );
    assert_eq!(ecs["age"], Value::Null, "it is fresh");
    let ecs = &containers.node("cron").unwrap()["ecs"];
    assert_eq!(
        (&ecs["definition"], &ecs["service"]),
        (&"app:1".into(), &Value::Null)
    );

    let task = |arn: &str| format!("task:{arn}");
    let edge = edges(&tasks, &task(&one_off[0]), &task(&web[1]));
    assert_eq!(edge.len(), 1, "{:#}", tasks.json);
    assert_eq!(edge[0]["connections_opened"], 10);
    let edge = edges(&tasks, &task(&web[0]), &task(&web[1]));
    assert_eq!(edge[0]["connections_opened"], 3);

    let node = services.node("web").unwrap();
    assert_eq!(
        (&node["kind"], &node["members"]),
        (&"service".into(), &2.into())
    );
    assert_eq!(node["ecs"]["desired"], 2);
    let web = node["id"].as_str().unwrap();
    let cron = services.node("cron").unwrap()["id"].as_str().unwrap();
    let (from, own) = (edges(&services, cron, web), edges(&services, web, web));
    assert_eq!(from[0]["connections_opened"], 20, "both tasks' together");
    assert_eq!(own[0]["connections_opened"], 3, "to itself");
}

#[test]
fn while_ecs_cannot_be_reached_names_stay_with_their_age() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let moto = Moto::start().unwrap();
    let proxy = Proxy::start(moto.address()).unwrap();
    let fleet = Fleet::at(moto.address()).unwrap();
    fleet.cluster("prod").unwrap();
    let deployment = fleet.service("prod", "web").unwrap();
    let web = fleet.tasks("prod", 1, Some("service:web"), Some(&deployment));
    let server = run(
        &engine,
        &network,
        "web",
        &web.unwrap()[0],
        &["serve", "--port", "7000"],
    );
    server.wait_for_line("listening", SOON).unwrap();
    let endpoint = proxy.endpoint();
    let args = ["--ecs-refresh", "1s"];
    let probe = Probe::graph_with(&engine, &args, &env(&endpoint)).unwrap();
    let to = format!("{}:7000", server.ip(&network).unwrap());
    server
        .exec(["/bin/workload", "connect", "--to", &to])
        .unwrap();
    let described = || Ok((proxy.count("DescribeServices", "prod") > 0).then_some(()));
    wait::until("its service is described", SOON, described).unwrap();
    proxy.set(Fault::Refuse);
    // What it said last is overdue after two refreshes.
    let start = std::time::Instant::now();
    let overdue = || Ok((start.elapsed() > Duration::from_secs(4)).then_some(()));
    wait::until("it is overdue", SOON, overdue).unwrap();
    let graph = probe.finish().unwrap();
    let ecs = &graph.node("web").unwrap()["ecs"];
    assert_eq!(
        (&ecs["service"], &ecs["desired"]),
        (&"web".into(), &2.into())
    );
    assert!((3..20).contains(&ecs["age"].as_u64().unwrap()), "{ecs:#}");
    let edge = graph.edge("web", "web", 7000).unwrap();
    assert_eq!(edge["gaps"], serde_json::json!(["ecs"]), "{edge:#}");
}

#[test]
fn without_ecs_a_graph_asks_nothing_and_says_nothing() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let moto = Moto::start().unwrap();
    let proxy = Proxy::start(moto.address()).unwrap();
    let server = Container::of(&engine, &image::WORKLOAD, "server").unwrap();
    let server = server.on(&network).command(["serve", "--port", "7000"]);
    let server = server.run().unwrap();
    server.wait_for_line("listening", SOON).unwrap();
    let endpoint = proxy.endpoint();
    let args = ["--by", "service", "--ecs-refresh", "1s"];
    let probe = Probe::graph_with(&engine, &args, &env(&endpoint)).unwrap();
    let to = format!("{}:7000", server.ip(&network).unwrap());
    server
        .exec(["/bin/workload", "connect", "--to", &to])
        .unwrap();
    let graph = probe.finish().unwrap();
    let node = graph.node("server").unwrap();
    assert_eq!(
        (&node["kind"], &node["ecs"]),
        (&"container".into(), &Value::Null)
    );
    assert!(proxy.calls().is_empty(), "{:?}", proxy.calls());
    assert!(!graph.stderr.contains("ECS"), "{}", graph.stderr);
}
