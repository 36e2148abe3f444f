//! What an agent says of how much it accounts for, where that is not all.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use probe_tests::{Agent, Container, Engine, Network, image, place, wait};
use serde_json::{Value, json};

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
    (graph, ask(&agent, asks))
}

/// What a command prints that asks the agent.
fn ask(agent: &Agent, words: &[&str]) -> String {
    let output = Command::new(place::probe())
        .args(words)
        .arg("--agent")
        .arg(&agent.socket)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The edges of which that is so.
fn edges(graph: &Value, so: impl Fn(&Value) -> bool) -> Vec<&Value> {
    let edges = graph["edges"].as_array().unwrap().iter();
    edges.filter(|edge| so(edge)).collect()
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
    let nameless = |graph: &Value| {
        let ours = edges(graph, |edge| edge["port"] == 7000);
        let ended = |edge: &&Value| edge["connections_closed"] == CONNECTIONS;
        lost(graph, "identity") >= CONNECTIONS && ours.iter().all(ended)
    };
    let args = ["--engine", "unix:///nonexistent/docker.sock"];
    let (graph, said) = account(&args, nameless, &["doctor"]);
    adds_up(&graph);
    assert_eq!(graph["account"]["engines_silent"], 1);
    assert_eq!(lost(&graph, "map"), 0, "{graph}");
    for edge in edges(&graph, |edge| edge["port"] == 7000) {
        assert_eq!(edge["gaps"], json!(["identity", "engine"]), "{edge:#}");
    }
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
    let rest = edges(&graph, |edge| edge["protocol"] == "other");
    assert!(!rest.is_empty(), "{graph:#}");
    for edge in rest {
        assert_eq!(edge["gaps"][0], "map", "{edge:#}");
    }
    assert!(
        said.lines().any(|line| line.starts_with("completeness ")),
        "{said}"
    );
    assert!(said.lines().next().unwrap().ends_with("MAY LACK"), "{said}");
}

#[test]
fn each_edge_says_what_it_lacks() {
    let engine = Engine::start_with(&["--live-restore"]).unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let workload = |name: &str, words: &[&str]| {
        let container = Container::of(&engine, &image::WORKLOAD, name).unwrap();
        container.on(&network).command(words).run().unwrap()
    };
    let echo = workload("echo", &["echo", "--port", "7002"]);
    echo.wait_for_line("listening", SOON).unwrap();
    let address = echo.ip(&network).unwrap();
    let talk = workload("talk", &["talk", "--to", &format!("{address}:7002")]);
    talk.wait_for_line("round 1", SOON).unwrap();
    let (_server, to) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let agent = Agent::start(&engine, &[]).unwrap();

    Container::connecting(&engine, &network, "client", &to, CONNECTIONS)
        .unwrap()
        .tally()
        .unwrap();
    // Nobody answers there: of that container's end nothing can be seen.
    let nobody = format!("udp:{address}:7001");
    let words = ["ask", "--messages", "1", "--response", "0", "--to", &nobody];
    workload("asker", &words).tally().unwrap();
    // Who sends without connecting is not known.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let receiver = UnixDatagram::bind(&path).unwrap();
    let sender = UnixDatagram::unbound().unwrap();
    sender.send_to(b"hello", &path).unwrap();
    receiver.recv(&mut [0; 8]).unwrap();

    let of = |graph: &Value, edge: Value| {
        let same = |found: &Value| {
            let members = edge.as_object().unwrap();
            members.iter().all(|(key, value)| found[key] == *value)
        };
        edges(graph, same).first().map(|edge| edge["gaps"].clone())
    };
    let all = [
        (
            json!({"port": 7000, "connections_closed": CONNECTIONS}),
            json!(null),
        ),
        (json!({"port": 7001}), json!(["target-unseen"])),
        (json!({"port": 7002}), json!(["existing"])),
        (json!({"path": path}), json!(["source-unseen", "identity"])),
    ];
    for (edge, gaps) in &all {
        // A container's name may come after its connections.
        wait::until(&format!("{edge} lacks {gaps}"), SOON, || {
            let graph = agent.unix.get("/api/v1/graph", &[])?.json()?;
            let told = of(&graph, edge.clone());
            Ok((told.as_ref() == Some(gaps)).then_some(()))
        })
        .unwrap();
    }
    let said = ask(&agent, &["doctor"]);
    for words in [
        "edges may lack something",
        "\nexisting ",
        "\ntarget-unseen ",
    ] {
        assert!(said.contains(words), "{words:?}: {said}");
    }
    let told: Value = serde_json::from_str(&ask(&agent, &["doctor", "-o", "json"])).unwrap();
    assert!(
        told["gaps"]["source-unseen"].as_u64().unwrap() >= 1,
        "{told}"
    );
    let table = ask(&agent, &["graph"]);
    assert!(
        table.lines().next().unwrap().ends_with("MAY LACK"),
        "{table}"
    );

    // Without an engine names stay, and may be old.
    engine.stop().unwrap();
    wait::until("names may be old", SOON, || {
        let graph = agent.unix.get("/api/v1/graph", &[])?.json()?;
        let gaps = of(&graph, json!({"port": 7002}));
        Ok((gaps == Some(json!(["engine", "existing"]))).then_some(()))
    })
    .unwrap();
    engine.resume().unwrap();
    wait::until("they are new again", SOON, || {
        let graph = agent.unix.get("/api/v1/graph", &[])?.json()?;
        let gaps = of(&graph, json!({"port": 7000}));
        Ok((gaps == Some(json!(null))).then_some(()))
    })
    .unwrap();
}

#[test]
fn connections_of_two_named_containers_are_whole() {
    // A container's name may come after its connections.
    let whole = |graph: &Value| {
        let ours = edges(graph, |edge| edge["port"] == 7000);
        let mut ended = ours
            .iter()
            .filter(|edge| edge["connections_closed"] == CONNECTIONS);
        ended.any(|edge| edge["gaps"].is_null())
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
