//! Engines that are killed, or hang. Those that are restarted in order are in `sandbox.rs`.

use std::os::unix::net::UnixListener;

use probe_tests::{Agent, Container, Engine, Network, agent::whole_edge, image, wait};

use crate::{CONNECTIONS, SOON};

#[test]
fn an_engine_that_is_killed_again_and_again_costs_neither_counts_nor_names() {
    const ROUNDS: u64 = 3;
    let engine = Engine::start_with(&["--live-restore"]).unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let steady = Container::of(&engine, &image::WORKLOAD, "steady")
        .unwrap()
        .on(&network)
        .command(["connect", "--to", &address, "--connections", "400"])
        .command(["--pause", "50"])
        .run()
        .unwrap();
    let agent = Agent::start(&engine, &[]).unwrap();
    let named = |name: &str| {
        wait::until(&format!("{name} has its name"), SOON, || {
            let graph = agent.unix.get("/api/v1/graph", &[])?.json()?;
            let nodes = graph["nodes"].as_array().unwrap();
            let known = nodes.iter().any(|node| node["name"] == name);
            let answers = graph["account"]["engines_silent"] == 0;
            Ok((known && answers).then_some(graph))
        })
        .unwrap_or_else(|error| panic!("{error:#}: {}", agent.probe.stderr()))
    };
    for round in 0..ROUNDS {
        engine.kill();
        wait::until("its silence is told", SOON, || {
            let graph = agent.unix.get("/api/v1/graph", &[])?.json()?;
            Ok((graph["account"]["engines_silent"] == 1).then_some(()))
        })
        .unwrap();
        engine.resume().unwrap();
        let name = format!("late-{round}");
        Container::connecting(&engine, &network, &name, &address, CONNECTIONS)
            .unwrap()
            .tally()
            .unwrap();
        named(&name);
    }
    let tally = steady.tally().unwrap();
    let graph = named("steady");
    let id = |name: &str| {
        let nodes = graph["nodes"].as_array().unwrap();
        let node = nodes.iter().find(|node| node["name"] == name);
        node.unwrap()["id"].clone()
    };
    let of = |name: &str| {
        let edges = graph["edges"].as_array().unwrap().iter();
        let mut edges = edges.filter(|edge| edge["port"] == 7000);
        edges.find(|edge| edge["source"] == id(name)).unwrap()
    };
    for round in 0..ROUNDS {
        let edge = of(&format!("late-{round}"));
        assert_eq!(edge["connections_opened"], CONNECTIONS, "{edge:#}");
        assert_eq!(edge["join"], "sequence");
    }
    // It had begun before.
    let edge = of("steady");
    assert!(edge["connections_opened"].as_u64().unwrap() <= tally.connections);
    assert!(edge["bytes_sent"].as_u64().unwrap() <= tally.bytes_sent);
}

#[test]
fn an_engine_that_hangs_holds_up_nothing() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("docker.sock");
    // Connections wait to be accepted for ever.
    let _hangs = UnixListener::bind(&path).unwrap();
    let agent = Agent::start(
        &engine,
        &["--engine", &format!("unix://{}", path.display())],
    )
    .unwrap();
    let tally = Container::connecting(&engine, &network, "client", &address, CONNECTIONS)
        .unwrap()
        .tally()
        .unwrap();
    let edge = whole_edge(&agent.tcp, CONNECTIONS).unwrap();
    assert_eq!(edge["bytes_sent"], tally.bytes_sent);
    agent.probe.interrupt().unwrap();
}
