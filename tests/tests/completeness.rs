//! What an agent says of how much it accounts for, where that is not all.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::process::Command;
use std::time::Duration;

use probe_tests::{Agent, Container, Engine, Network, place, wait};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);
const CONNECTIONS: u64 = 50;

/// What the agent says once `account` holds, after a client has talked to a server in two
/// containers; and what a command prints that asks it.
fn account(args: &[&str], holds: impl Fn(&Value) -> bool, asks: &[&str]) -> (Value, String) {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let agent = Agent::start(&engine, args).unwrap();
    Container::connecting(&engine, &network, "client", &address, CONNECTIONS)
        .unwrap()
        .tally()
        .unwrap();
    let graph = wait::until("the account is so", SOON, || {
        let graph = agent.unix.get("/api/v1/graph", &[])?.json()?;
        Ok(holds(&graph).then_some(graph))
    })
    .unwrap();
    let output = Command::new(place::probe())
        .args(asks)
        .arg("--agent")
        .arg(&agent.socket)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    (graph, String::from_utf8(output.stdout).unwrap())
}

/// Connections that are lost to a cause.
fn lost(graph: &Value, cause: &str) -> u64 {
    graph["account"]["lost"][cause].as_u64().unwrap()
}

/// The share is what the account says.
#[track_caller]
fn adds_up(graph: &Value) {
    let account = &graph["account"];
    let number = |value: &Value| value.as_f64().unwrap();
    let whole = number(&account["whole"]);
    let lost: f64 = account["lost"]
        .as_object()
        .unwrap()
        .values()
        .map(number)
        .sum();
    let came = number(&account["records"]);
    let missed = number(&account["records_ring"]) + number(&account["records_undecoded"]);
    let share = (whole / (whole + lost)).min(came / (came + missed));
    let told = number(&graph["completeness"]);
    assert!((told - share).abs() < 1e-9 && told < 1.0, "{graph}");
}

#[test]
fn containers_without_a_name_are_not_whole() {
    // Both ends of each connection were seen: nothing but their names is missing.
    let nameless = |graph: &Value| lost(graph, "identity") >= CONNECTIONS;
    let args = ["--engine", "unix:///nonexistent/docker.sock"];
    let (graph, said) = account(&args, nameless, &["doctor"]);
    adds_up(&graph);
    assert_eq!(graph["account"]["engines_silent"], 1);
    assert_eq!(lost(&graph, "map"), 0, "{graph}");
    let mut lines = said.lines();
    assert!(lines.next().unwrap().starts_with("completeness "), "{said}");
    assert!(said.contains("no container engine has told it"), "{said}");
    assert!(said.contains("does not answer"), "{said}");
}

#[test]
fn connections_without_room_are_not_whole() {
    let full = |graph: &Value| lost(graph, "map") > 0;
    let (graph, said) = account(&["--max-flows", "1"], full, &["graph"]);
    adds_up(&graph);
    assert!(
        said.lines().any(|line| line.starts_with("completeness ")),
        "{said}"
    );
}

#[test]
fn connections_of_two_named_containers_are_whole() {
    let whole = |graph: &Value| {
        let edges = graph["edges"].as_array().unwrap();
        let mut edges = edges.iter().filter(|edge| edge["port"] == 7000);
        edges.any(|edge| edge["connections_closed"] == CONNECTIONS)
    };
    let (graph, said) = account(&[], whole, &["doctor", "-o", "json"]);
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["schema"], "probe.completeness/v1");
    // Others may do on this host what cannot be told; these connections lost nothing.
    assert!(
        graph["account"]["whole"].as_u64().unwrap() >= CONNECTIONS,
        "{graph}"
    );
    for cause in ["memory", "counter", "map", "identity", "ecs"] {
        assert_eq!(lost(&graph, cause), 0, "{cause}: {graph}");
    }
    assert_eq!(graph["account"]["engines_silent"], 0);
}
