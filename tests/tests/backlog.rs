//! Connections that a listener has no room for.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::time::Duration;

use probe_tests::{Agent, Container, Engine, Network, Probe, image};

const SOON: Duration = Duration::from_secs(20);

/// What the kernel itself has counted in the container's network namespace.
fn listen_drops(container: &Container<'_>) -> u64 {
    let printed = container.exec(["cat", "/proc/net/netstat"]).unwrap();
    let mut lines = printed.lines().filter(|line| line.starts_with("TcpExt:"));
    let mut words = || lines.next().unwrap().split(' ');
    let (names, numbers) = (words(), words());
    let found = names.zip(numbers).find(|(name, _)| *name == "ListenDrops");
    found.unwrap().1.parse().unwrap()
}

/// Comes with so many connections at once, and leaves two seconds later.
fn knock(client: &Container<'_>, address: &str, connections: u32) {
    let (host, port) = address.split_once(':').unwrap();
    let one = format!("timeout 2 nc {host} {port} </dev/null &");
    let all = one.repeat(connections as usize) + " wait; true";
    client.exec(["sh", "-c", &all]).unwrap();
}

/// A server that never accepts, with room for two.
fn deaf<'engine>(engine: &'engine Engine, network: &Network<'_>) -> (Container<'engine>, String) {
    let server = Container::of(engine, &image::WORKLOAD, "server")
        .unwrap()
        .on(network)
        .command(["serve", "--port", "7000"])
        .command(["--backlog", "1", "--concurrency", "0"])
        .run()
        .unwrap();
    server.wait_for_line("listening", SOON).unwrap();
    let address = format!("{}:7000", server.ip(network).unwrap());
    (server, address)
}

fn idle<'engine>(engine: &'engine Engine, network: &Network<'_>) -> Container<'engine> {
    let client = Container::of(engine, &image::BUSYBOX, "client").unwrap();
    let client = client.on(network).command(["sleep", "600"]);
    client.run().unwrap()
}

#[test]
fn a_full_backlog_is_counted_for_who_listens() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (server, address) = deaf(&engine, &network);
    let client = idle(&engine, &network);

    let probe = Probe::graph(&engine, &[]).unwrap();
    knock(&client, &address, 2);
    knock(&client, &address, 4);
    let dropped = listen_drops(&server);
    assert!(dropped >= 4, "{dropped}");
    let graph = probe.finish().unwrap();
    let edge = graph.edge("client", "server", 7000).unwrap();
    assert_eq!(edge["connections_opened"], 2, "{edge:#}");
    assert_eq!(edge["connections_failed"], 4, "{edge:#}");
    let node = graph.node("server").unwrap();
    assert_eq!(node["backlog_overflows"]["7000"], dropped, "{node:#}");
    let node = graph.node("client").unwrap();
    assert!(node.get("backlog_overflows").is_none(), "{node:#}");

    // What was turned away before does not count; that nobody gets through is seen all the same.
    let probe = Probe::start(&engine, ["graph"]).unwrap();
    knock(&client, &address, 3);
    let table = probe.interrupt().unwrap().stdout;
    let since = listen_drops(&server) - dropped;
    assert!(since >= 3, "{since}");
    let line = format!("backlog full: server:7000 turned a connection away {since} times\n");
    assert!(table.contains(&line), "{line}{table}");
}

#[test]
fn a_full_backlog_is_a_metric() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (server, address) = deaf(&engine, &network);
    let client = idle(&engine, &network);
    let agent = Agent::start(&engine, &[]).unwrap();
    knock(&client, &address, 2);
    knock(&client, &address, 2);
    let dropped = listen_drops(&server);
    assert!(dropped >= 2, "{dropped}");
    let id = &server.id()[..12];
    let sample = format!(
        "container_net_tcp_listen_overflows_total{{container=\"server\",container_id=\"{id}\",\
         port=\"7000\"}} {dropped}\n"
    );
    probe_tests::wait::until("the metric", SOON, || {
        let text = agent.tcp.get("/metrics", &[])?.text();
        Ok(text.contains(&sample).then_some(()))
    })
    .unwrap();
}
