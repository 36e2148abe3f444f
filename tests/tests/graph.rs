//! `probe graph` against a real engine: every edge there, none that is not, and exact figures.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::time::Duration;

use probe_tests::{Container, Engine, Network, Probe, image};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

/// A workload client that says `request` bytes and hears `response`, `connections` times to each.
fn client<'engine>(
    engine: &'engine Engine,
    network: &Network<'_>,
    name: &str,
    to: &[&str],
    connections: u32,
) -> Container<'engine> {
    let targets = to.iter().flat_map(|address| ["--to", address]);
    Container::of(engine, &image::WORKLOAD, name)
        .unwrap()
        .on(network)
        .command(["connect", "--request", "108", "--response", "1000"])
        .command(["--connections", &connections.to_string()])
        .command(targets)
        .run()
        .unwrap()
}

fn check(edge: &Value, key: &str, expected: u64) {
    assert_eq!(edge[key], expected, "{key} of {edge:#}");
}

#[test]
fn two_thousand_connections_are_one_edge_and_every_byte_counts() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "shop").unwrap();
    let (server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    let client = client(&engine, &network, "client", &[&address], 2000);
    let client_tally = client.tally().unwrap();
    server.stop().unwrap();
    let server_tally = server.tally().unwrap();
    let graph = probe.finish().unwrap();

    assert_eq!(
        graph.edges_of(&["client", "server"]),
        [("client".to_owned(), "server".to_owned(), 7000)]
    );
    let edge = graph.edge("client", "server", 7000).unwrap();
    assert_eq!(client_tally.connections, 2000);
    check(edge, "connections_opened", 2000);
    check(edge, "connections_closed", 2000);
    check(edge, "connections_failed", 0);
    check(edge, "bytes_sent", client_tally.bytes_sent);
    check(edge, "bytes_sent", server_tally.bytes_received);
    check(edge, "bytes_received", client_tally.bytes_received);
    check(edge, "bytes_received", server_tally.bytes_sent);
    check(edge, "sends", client_tally.sends);
    check(edge, "receives", client_tally.receives);
    assert_eq!(edge["join"], "sequence");
    assert_eq!(edge["joins"]["sequence"], 2000);

    let node = graph.node("server").unwrap();
    assert_eq!(node["id"], format!("container:{}", server.id()));
    assert_eq!(node["kind"], "container");
    assert_eq!(node["image"], "workload");
    assert_eq!(graph.lost(), []);
}

#[test]
fn a_full_mesh_of_six_is_thirty_edges() {
    const PEERS: usize = 6;
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "mesh").unwrap();
    let name = |peer: usize| format!("peer-{peer}");
    let servers: Vec<_> = (0..PEERS)
        .map(|peer| Container::serving(&engine, &network, &name(peer), 7000).unwrap())
        .collect();
    let probe = Probe::graph(&engine, &[]).unwrap();
    for (own, (peer, _)) in servers.iter().enumerate() {
        let others = servers
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != own);
        let targets = others.flat_map(|(_, (_, address))| ["--to", address.as_str()]);
        let words = ["/bin/workload", "connect", "--connections", "3"];
        peer.exec(words.into_iter().chain(targets)).unwrap();
    }
    let graph = probe.finish().unwrap();

    let mut expected = Vec::new();
    for source in 0..PEERS {
        for target in (0..PEERS).filter(|target| *target != source) {
            expected.push((name(source), name(target), 7000));
        }
    }
    let names: Vec<_> = (0..PEERS).map(name).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(graph.edges_of(&names), expected);
    for (source, target, _) in expected {
        let edge = graph.edge(&source, &target, 7000).unwrap();
        check(edge, "connections_opened", 3);
        assert_eq!(edge["join"], "sequence", "{edge:#}");
    }
}

#[test]
fn a_refused_connection_is_a_failed_one_to_who_owns_the_address() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (server, _) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    let closed = format!("{}:7001", server.ip(&network).unwrap());
    let tally = client(&engine, &network, "client", &[&closed], 5).tally();
    assert_eq!(tally.unwrap().failures, 5);
    let graph = probe.finish().unwrap();

    let edge = graph.edge("client", "server", 7001).unwrap();
    check(edge, "connections_failed", 5);
    check(edge, "connections_opened", 0);
    check(edge, "bytes_sent", 0);
}

/// A server with a published port, a client that asks for it at the host's address, and the graph.
fn through_a_published_port(
    options: &[&str],
    args: &[&str],
) -> (probe_tests::tally::Tally, u16, probe_tests::probe::Graph) {
    let engine = Engine::start_with(options).unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = Container::of(&engine, &image::WORKLOAD, "server")
        .unwrap()
        .on(&network)
        .publish(7000)
        .command(["serve", "--port", "7000"])
        .run()
        .unwrap();
    server.wait_for_line("listening", SOON).unwrap();
    let published = server.published(7000).unwrap();
    let probe = Probe::graph(&engine, args).unwrap();
    let address = format!("{}:{published}", engine.address());
    let tally = client(&engine, &network, "client", &[&address], 50).tally();
    let tally = tally.unwrap();
    assert_eq!(tally.failures, 0, "{tally:?}");
    (tally, published, probe.finish().unwrap())
}

#[test]
fn a_published_port_is_joined_through_nat() {
    // DNAT on the way in, and the bridge's own address on the way out of it again.
    let (tally, _, graph) = through_a_published_port(&["--userland-proxy=false"], &[]);
    assert_eq!(
        graph.edges_of(&["client", "server"]),
        [("client".to_owned(), "server".to_owned(), 7000)]
    );
    let edge = graph.edge("client", "server", 7000).unwrap();
    check(edge, "connections_opened", 50);
    check(edge, "bytes_sent", tally.bytes_sent);
    check(edge, "bytes_received", tally.bytes_received);
    assert_eq!(edge["join"], "sequence");
}

#[test]
fn docker_proxy_is_a_process_between_two_exact_edges() {
    let (tally, published, graph) = through_a_published_port(&[], &["--show-proxies"]);
    for (source, target, port) in [
        ("client", "docker-proxy", published),
        ("docker-proxy", "server", 7000),
    ] {
        let edge = graph.edge(source, target, port);
        let edge = edge.unwrap_or_else(|| panic!("no edge to {target}: {:#}", graph.json));
        check(edge, "connections_opened", 50);
        // It splices from socket to socket: no receive call sees the bytes.
        check(edge, "bytes_sent", tally.bytes_sent);
        check(edge, "bytes_received", tally.bytes_received);
        assert_eq!(edge["join"], "sequence");
    }
}

#[test]
fn docker_proxy_is_folded_into_the_edge_it_carries() {
    let (tally, _, graph) = through_a_published_port(&[], &[]);
    assert_eq!(
        graph.edges_of(&["client", "server", "docker-proxy"]),
        [("client".to_owned(), "server".to_owned(), 7000)]
    );
    let edge = graph.edge("client", "server", 7000).unwrap();
    check(edge, "connections_opened", 50);
    check(edge, "bytes_sent", tally.bytes_sent);
    check(edge, "bytes_received", tally.bytes_received);
    assert_eq!(edge["join"], "proxy");
    assert_eq!(edge["joins"]["proxy"], 50);
}

#[test]
fn connections_older_than_the_probe_count_from_then_on_and_while_they_stand() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let echo = Container::of(&engine, &image::WORKLOAD, "echo")
        .unwrap()
        .on(&network)
        .command(["echo", "--port", "7000"])
        .run()
        .unwrap();
    echo.wait_for_line("listening", SOON).unwrap();
    let to = format!("{}:7000", echo.ip(&network).unwrap());
    let talk = Container::of(&engine, &image::WORKLOAD, "talk")
        .unwrap()
        .on(&network)
        .command(["talk", "--to", &to])
        .command(["--connections", "20", "--message", "1000"])
        .run()
        .unwrap();
    talk.wait_for_line("round 1", SOON).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    engine.docker(["kill", "--signal", "USR1", "talk"]).unwrap();
    talk.wait_for_line("round 2", SOON).unwrap();
    let graph = probe.finish().unwrap();

    assert_eq!(
        graph.edges_of(&["talk", "echo"]),
        [("talk".to_owned(), "echo".to_owned(), 7000)]
    );
    let edge = graph.edge("talk", "echo", 7000).unwrap();
    check(edge, "connections_existing", 20);
    check(edge, "connections_opened", 0);
    check(edge, "connections_closed", 0);
    check(edge, "bytes_sent", 20_000);
    check(edge, "bytes_received", 20_000);
    assert_eq!(edge["joins"]["sequence"], 20, "{edge:#}");

    // A second probe neither misses nor doubles anything, and sees them end.
    let probe = Probe::graph(&engine, &[]).unwrap();
    talk.stop().unwrap();
    let graph = probe.finish().unwrap();
    let edge = graph.edge("talk", "echo", 7000).unwrap();
    check(edge, "connections_existing", 20);
    check(edge, "connections_closed", 20);
    check(edge, "bytes_sent", 0);
    check(edge, "bytes_received", 0);
}

#[test]
fn a_container_of_a_tenth_of_a_second_has_its_name() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    let brief = client(&engine, &network, "brief", &[&address], 1);
    brief.wait().unwrap();
    let id = brief.id().to_owned();
    brief.remove().unwrap();
    let graph = probe.finish().unwrap();

    let edge = graph.edge("brief", "server", 7000).unwrap();
    check(edge, "connections_opened", 1);
    let node = graph.node("brief").unwrap();
    assert_eq!(node["id"], format!("container:{id}"));
    assert_eq!(node["image"], "workload");
}

#[test]
fn the_engine_may_go_away_and_come_back_while_tracing() {
    let engine = Engine::start_with(&["--live-restore"]).unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    let before = client(&engine, &network, "before", &[&address], 10);
    before.tally().unwrap();

    engine.stop().unwrap();
    probe.wait_for_stderr("no Docker engine", SOON).unwrap();
    engine.resume().unwrap();
    probe.wait_for_stderr("answers", SOON).unwrap();
    let after = client(&engine, &network, "after", &[&address], 10);
    after.tally().unwrap();
    let graph = probe.finish().unwrap();

    for client in ["before", "after"] {
        let edge = graph.edge(client, "server", 7000);
        let edge = edge.unwrap_or_else(|| panic!("no edge from {client}: {:#}", graph.json));
        check(edge, "connections_opened", 10);
    }
    let warnings = graph.stderr.matches("no Docker engine").count();
    assert_eq!(warnings, 1, "said once: {}", graph.stderr);
}
