//! Containers of a real engine: the main job.

use probe_tests::{Container, Engine, Network, Probe, burst};

use crate::{check, nothing_lost};

/// Emulated, each takes seconds.
const BRIEF: usize = 20;
/// So many at a time.
const AT_ONCE: usize = 2;
/// Of a client that stays longer.
const CONNECTIONS: u64 = 100;

/// Emulated, an engine and a probe take long to start: so there is one of each. Its bridge needs no
/// packet filter, which would be hundreds of programs more. The brief containers are in the server's
/// network namespace: for one of its own dockerd starts itself anew, which takes as long as all else.
#[test]
fn containers_on_a_bridge_are_exact_and_brief_ones_have_their_names() {
    let engine = Engine::start_with(&["--iptables=false"]).unwrap();
    let network = Network::default_bridge(&engine);
    let (server, to) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    let client = Container::connecting(&engine, &network, "client", &to, CONNECTIONS).unwrap();
    burst::run(&engine, "container:server", &to, BRIEF, AT_ONCE).unwrap();
    let client = client.tally().unwrap();
    server.stop().unwrap();
    let server = server.tally().unwrap();
    let graph = probe.finish().unwrap();

    burst::check(&graph, BRIEF).unwrap();
    let edges = graph.edges_of(&["server"]);
    assert_eq!(edges.len(), BRIEF + 1, "{edges:?}");
    assert_eq!(client.connections, CONNECTIONS, "{client:?}");
    let expected = [
        ("connections_opened", CONNECTIONS),
        ("connections_closed", CONNECTIONS),
        ("connections_failed", 0),
        ("bytes_sent", client.bytes_sent),
        ("bytes_received", client.bytes_received),
        ("sends", client.sends),
        ("receives", client.receives),
    ];
    check(&graph, ("client", "server", 7000), &expected);
    let edge = graph.edge("client", "server", 7000).unwrap();
    assert_eq!(edge["joins"]["sequence"], CONNECTIONS, "{edge:#}");
    // What the server has counted of all of them.
    let total = |key: &str| -> u64 {
        let edges = graph.json["edges"].as_array().unwrap().iter();
        let to_server = edges.filter(|edge| edge["target"] == graph.node("server").unwrap()["id"]);
        to_server.map(|edge| edge[key].as_u64().unwrap()).sum()
    };
    assert_eq!(total("connections_opened"), server.connections);
    assert_eq!(total("bytes_sent"), server.bytes_received);
    assert_eq!(total("bytes_received"), server.bytes_sent);
    nothing_lost(&graph);
}
