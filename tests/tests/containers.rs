//! Two containers of a real engine, at their smallest. Not among what every kernel's turn runs: emulated,
//! the engine alone takes minutes. `cargo xtask test --kernel 6.12 two_containers` does.

use std::time::Duration;

use probe_tests::{Container, Engine, Network, Probe, image};

const SOON: Duration = Duration::from_secs(20);

#[test]
fn two_containers_have_their_names_and_exact_bytes() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let workload = |name, words: &[&str]| {
        let container = Container::of(&engine, &image::WORKLOAD, name).unwrap();
        container.on(&network).command(words).run().unwrap()
    };
    let server = workload("server", &["serve", "--port", "7000"]);
    server.wait_for_line("listening", SOON).unwrap();
    let to = format!("{}:7000", server.ip(&network).unwrap());
    let probe = Probe::graph(&engine, &[]).unwrap();
    // The server was there before the probe, the client comes while it looks.
    let client = workload("client", &["connect", "--connections", "50", "--to", &to]);
    let tally = client.tally().unwrap();
    let graph = probe.finish().unwrap();

    assert_eq!((tally.connections, tally.failures), (50, 0), "{tally:?}");
    let seen = graph.edges_of(&["client", "server"]);
    assert_eq!(seen, [("client".to_owned(), "server".to_owned(), 7000)]);
    let expected = [
        ("connections_opened", 50),
        ("connections_closed", 50),
        ("connections_failed", 0),
        ("bytes_sent", tally.bytes_sent),
        ("bytes_received", tally.bytes_received),
    ];
    let edge = graph.edge("client", "server", 7000).unwrap();
    for (key, value) in expected {
        assert_eq!(edge[key], value, "{key} of {edge:#}");
    }
    assert_eq!(graph.lost(), []);
}
