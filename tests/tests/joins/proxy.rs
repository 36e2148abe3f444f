//! Published ports, through NAT and docker-proxy.

use probe_tests::{Engine, Network, Probe, probe::Graph, tally::Tally, workload::binary};

use crate::{PORT, check, connect, edge, run, serve, talk, whole, workload};

/// A program of the host asks for a published port at `address`; what the probe makes of it, and
/// what the program did.
fn from_the_host(options: &[&str], args: &[&str], address: &str) -> (Graph, Tally, u16) {
    let engine = Engine::start_with(options).unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = serve(workload(&engine, "server").on(&network).publish(PORT));
    let published = server.published(PORT).unwrap();
    let probe = Probe::graph(&engine, args).unwrap();
    let address = address.replace("HOST", &engine.address().to_string());
    let mut client = engine.beside(binary().unwrap());
    let printed = run(client.args(connect(&format!("{address}:{published}"), 30)));
    let tally = whole(Tally::find(&printed).unwrap(), 30);
    (probe.finish().unwrap(), tally, published)
}

#[test]
fn from_the_host_a_published_port_is_joined_through_nat() {
    let (graph, tally, _) = from_the_host(&["--userland-proxy=false"], &[], "HOST");
    assert_eq!(
        graph.edges_of(&["server"]),
        [edge("workload", "server", PORT)]
    );
    check(&graph, "workload", "server", PORT, &tally, "sequence");
    assert_eq!(graph.node("workload").unwrap()["kind"], "process");
}

#[test]
fn from_the_host_docker_proxy_is_folded_on_loopback() {
    let (graph, tally, _) = from_the_host(&[], &[], "127.0.0.1");
    assert_eq!(
        graph.edges_of(&["server", "docker-proxy"]),
        [edge("workload", "server", PORT)]
    );
    check(&graph, "workload", "server", PORT, &tally, "proxy");
}

#[test]
fn two_ports_published_by_docker_proxy_are_two_servers() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let servers = ["first", "second"].map(|name| {
        let server = serve(workload(&engine, name).on(&network).publish(PORT));
        (name, server.published(PORT).unwrap(), server)
    });
    let probe = Probe::graph(&engine, &[]).unwrap();
    let tallies = servers.each_ref().map(|(name, published, _)| {
        let to = format!("{}:{published}", engine.address());
        let client = workload(&engine, &format!("to-{name}")).on(&network);
        (*name, talk(client, &to, 20 + u32::from(*name == "first")))
    });
    let graph = probe.finish().unwrap();

    assert_eq!(
        graph.edges_of(&["first", "second", "docker-proxy"]),
        [
            edge("to-first", "first", PORT),
            edge("to-second", "second", PORT)
        ]
    );
    for (name, tally) in &tallies {
        check(&graph, &format!("to-{name}"), name, PORT, tally, "proxy");
    }
}

#[test]
fn a_backend_that_refuses_is_seen_behind_the_proxy() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    // Nobody listens on the port that is published.
    let server = serve(workload(&engine, "server").on(&network).publish(7001));
    let published = server.published(7001).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    let to = format!("{}:{published}", engine.address());
    let client = workload(&engine, "client").on(&network);
    let client = client.command(connect(&to, 5)).run().unwrap();
    assert_eq!(client.tally().unwrap().failures, 5);
    let graph = probe.finish().unwrap();

    let folded = graph.edge("client", "server", 7001).unwrap();
    assert_eq!(folded["connections_opened"], 5, "docker-proxy took them");
    assert_eq!(folded["join"], "proxy");
    let behind = graph.edge("docker-proxy", "server", 7001).unwrap();
    assert_eq!(behind["connections_failed"], 5);
    assert_eq!(behind["bytes_sent"], 0);
}
