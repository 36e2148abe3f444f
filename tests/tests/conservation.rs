//! What the probe's flows add up to, against what the workloads say they did: many connections,
//! sizes at random, with room for every flow and without.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::env;
use std::time::Duration;

use probe_tests::{Container, Engine, Network, Probe, image, probe::Graph, tally::Tally};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);
const SERVERS: usize = 5;
const CLIENTS: usize = 4;

/// Connections of a run: `PROBE_CONNECTIONS`, or as many as take a few seconds.
fn connections() -> usize {
    match env::var("PROBE_CONNECTIONS") {
        Ok(number) => number.parse().unwrap(),
        Err(_) => 20_000,
    }
}

/// What a run left: the graph, and each container's own count.
struct Run {
    graph: Graph,
    clients: Vec<(String, Tally)>,
    servers: Vec<(String, Tally)>,
}

/// Each client to each server, over so many connections at a time.
fn run(args: &[&str], at_once: usize) -> Run {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let container = |name: &str, words: &[String]| {
        let start = Container::of(&engine, &image::WORKLOAD, name).unwrap();
        start.on(&network).command(words).run().unwrap()
    };
    let words = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();

    let servers: Vec<_> = (0..SERVERS)
        .map(|n| {
            let serve = format!("serve --port 7000 --concurrency {}", at_once * CLIENTS);
            container(&format!("server-{n}"), &words(&serve))
        })
        .collect();
    let mut load = words(&format!(
        "connect --request 8-4000 --response 0-20000 --concurrency {at_once} --deadline 3600 \
         --connections"
    ));
    load.push((connections() / (SERVERS * CLIENTS)).to_string());
    for server in &servers {
        server.wait_for_line("listening", SOON).unwrap();
        load.push("--to".to_owned());
        load.push(format!("{}:7000", server.ip(&network).unwrap()));
    }
    let probe = Probe::graph(&engine, args).unwrap();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|n| container(&format!("client-{n}"), &load))
        .collect();
    let tallies = |containers: &[Container<'_>]| {
        let of =
            |container: &Container<'_>| (container.name().to_owned(), container.tally().unwrap());
        containers.iter().map(of).collect::<Vec<_>>()
    };
    for client in &clients {
        assert_eq!(client.wait().unwrap(), 0, "{}", client.logs().unwrap());
    }
    let clients = tallies(&clients);
    for server in &servers {
        server.stop().unwrap();
    }
    let servers = tallies(&servers);
    Run {
        graph: probe.finish().unwrap(),
        clients,
        servers,
    }
}

/// What a container's own flows add up to is what it says it did: neither end's is taken from the
/// other's.
fn adds_up(graph: &Graph, of: &[&Value], name: &str, tally: &Tally, server: bool) {
    let sum = |key: &str| -> u64 {
        let values = of.iter().map(|edge| edge[key].as_u64().unwrap());
        values.sum()
    };
    // An `other` edge has what its owner sent; all else counts from the client's end.
    let (mut sent, mut received) = (sum("bytes_sent"), sum("bytes_received"));
    if server {
        std::mem::swap(&mut sent, &mut received);
    }
    let counted = (sum("connections_opened"), sent, received);
    let said = (tally.connections, tally.bytes_sent, tally.bytes_received);
    assert_eq!(counted, said, "{name} of {:#}", graph.json["edges"]);
}

fn edges(graph: &Graph) -> impl Iterator<Item = &Value> {
    graph.json["edges"].as_array().unwrap().iter()
}

/// Every connection is closed, joined, and counted to the byte.
fn is_whole(run: &Run) {
    let Run {
        graph,
        clients,
        servers,
    } = run;
    for (ends, key, others) in [(clients, "source", SERVERS), (servers, "target", CLIENTS)] {
        for (name, tally) in ends {
            let id = &graph.node(name).unwrap()["id"];
            let own: Vec<_> = edges(graph).filter(|edge| &edge[key] == id).collect();
            assert_eq!(own.len(), others, "{name}");
            for edge in &own {
                assert_eq!(edge["connections_closed"], edge["connections_opened"]);
                assert_eq!(edge["joins"]["sequence"], edge["connections_opened"]);
            }
            adds_up(graph, &own, name, tally, key == "target");
        }
    }
    assert_eq!(graph.lost(), []);
}

#[test]
fn with_room_for_all() {
    is_whole(&run(&[], 2));
}

/// Some thousand sockets: of so many, one in ten or so finds another where it would be remembered.
#[test]
fn of_many_at_once() {
    is_whole(&run(&[], 50));
}

/// The engine's own connections leave no room: each container's flows are its cgroup's `other`.
#[test]
fn with_room_for_sixteen() {
    let Run {
        graph,
        clients,
        servers,
    } = run(&["--max-flows", "16"], 2);
    for (name, tally) in clients.iter().chain(&servers) {
        let id = &graph.node(name).unwrap()["id"];
        let touches = |edge: &&Value| &edge["source"] == id || &edge["target"] == id;
        let own: Vec<_> = edges(&graph).filter(touches).collect();
        assert!(own.iter().all(|edge| edge["protocol"] == "other"));
        adds_up(&graph, &own, name, tally, false);
    }
    assert_eq!(graph.json["losses"]["counts_dropped"], 0);
}
