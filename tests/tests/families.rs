//! `probe graph` over what is not TCP, and how TCP fared.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::time::Duration;

use probe_tests::{Container, Engine, Network, Probe, image, tally::Tally};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

fn check(edge: &Value, key: &str, expected: u64) {
    assert_eq!(edge[key], expected, "{key} of {edge:#}");
}

/// The edge counts what the client says it did, and the server agrees.
fn agree(edge: &Value, client: &Tally, server: &Tally) {
    check(edge, "connections_opened", client.connections);
    check(edge, "bytes_sent", client.bytes_sent);
    check(edge, "bytes_sent", server.bytes_received);
    check(edge, "bytes_received", client.bytes_received);
    check(edge, "bytes_received", server.bytes_sent);
    check(edge, "sends", client.sends);
    check(edge, "receives", client.receives);
    assert!(edge["connections_closed"].is_null(), "{edge:#}");
}

fn nothing_lost(graph: &probe_tests::probe::Graph) {
    for (cause, lost) in graph.json["losses"].as_object().unwrap() {
        assert_eq!(lost, 0, "{cause}");
    }
}

#[test]
fn datagrams_count_for_who_sent_first_connected_or_not() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = Container::of(&engine, &image::WORKLOAD, "server")
        .unwrap()
        .on(&network)
        .command(["answer", "--at", "udp:7000"])
        .run()
        .unwrap();
    server.wait_for_line("listening", SOON).unwrap();
    let to = format!("udp:{}:7000", server.ip(&network).unwrap());
    let ask = |name: &str, more: &[&str]| {
        Container::of(&engine, &image::WORKLOAD, name)
            .unwrap()
            .on(&network)
            .command(["ask", "--to", &to, "--connections", "3", "--messages", "50"])
            .command(more)
            .run()
            .unwrap()
    };
    let probe = Probe::graph(&engine, &[]).unwrap();
    let clients = [
        ("anyone", ask("anyone", &[]).tally().unwrap()),
        ("someone", ask("someone", &["--connected"]).tally().unwrap()),
    ];
    server.stop().unwrap();
    let answered = server.tally().unwrap();
    let graph = probe.finish().unwrap();

    assert_eq!(
        graph.edges_of(&["anyone", "someone", "server"]),
        clients
            .each_ref()
            .map(|(name, _)| ((*name).to_owned(), "server".to_owned(), 7000))
    );
    for (name, tally) in &clients {
        let edge = graph.edge(name, "server", 7000).unwrap();
        assert_eq!(edge["protocol"], "udp");
        assert_eq!(edge["join"], "tuple");
        // Two clients that do the same: the server's half of it each.
        let half = Tally {
            bytes_sent: answered.bytes_sent / 2,
            bytes_received: answered.bytes_received / 2,
            ..Tally::default()
        };
        agree(edge, tally, &half);
    }
    nothing_lost(&graph);
}

#[test]
fn a_datagram_to_nobody_goes_to_who_owns_the_address() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let silent = Container::of(&engine, &image::WORKLOAD, "silent")
        .unwrap()
        .on(&network)
        .command(["serve", "--port", "7000"])
        .run()
        .unwrap();
    silent.wait_for_line("listening", SOON).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    let to = format!("udp:{}:7001", silent.ip(&network).unwrap());
    let client = Container::of(&engine, &image::WORKLOAD, "client")
        .unwrap()
        .on(&network)
        .command(["ask", "--to", &to, "--messages", "4", "--response", "0"])
        .run()
        .unwrap();
    let tally = client.tally().unwrap();
    let graph = probe.finish().unwrap();
    let edge = graph.edge("client", "silent", 7001).unwrap();
    check(edge, "bytes_sent", tally.bytes_sent);
    check(edge, "bytes_received", 0);
}

#[test]
fn unix_sockets_have_both_ends_and_their_path() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    for kind in ["stream", "seqpacket", "dgram"] {
        let place = format!("{kind}:probe-test-{kind}");
        let (server, client) = (format!("{kind}-server"), format!("{kind}-client"));
        // A unix datagram's sender has no name to answer to.
        let response = if kind == "dgram" { "0" } else { "300" };
        let answering = Container::of(&engine, &image::WORKLOAD, &server)
            .unwrap()
            .on(&network)
            .command(["answer", "--at", &place])
            .run()
            .unwrap();
        answering.wait_for_line("listening", SOON).unwrap();
        let probe = Probe::graph(&engine, &[]).unwrap();
        let asking = Container::of(&engine, &image::WORKLOAD, &client)
            .unwrap()
            .option("--network")
            .option(&format!("container:{server}"))
            .command(["ask", "--to", &place, "--response", response])
            .command(["--connections", "5"])
            .run()
            .unwrap();
        let asked = asking.tally().unwrap();
        answering.stop().unwrap();
        let answered = answering.tally().unwrap();
        let graph = probe.finish().unwrap();

        let edges = graph.json["edges"].as_array().unwrap();
        let path = format!("@probe-test-{kind}");
        let ours: Vec<_> = edges.iter().filter(|edge| edge["path"] == *path).collect();
        let [edge] = ours[..] else {
            panic!("{kind}: {ours:#?}");
        };
        let id = |name: &str| graph.node(name).map(|node| node["id"].clone());
        assert_eq!(id(&client).unwrap(), edge["source"]);
        assert_eq!(id(&server).unwrap(), edge["target"]);
        assert_eq!(edge["protocol"], "unix");
        assert_eq!(edge["join"], "peer");
        agree(edge, &asked, &answered);
        nothing_lost(&graph);
    }
}

/// Segments that the kernel has sent again in the container's network namespace.
fn resent(container: &Container<'_>) -> u64 {
    let printed = container.exec(["cat", "/proc/net/snmp"]).unwrap();
    let mut lines = printed.lines().filter(|line| line.starts_with("Tcp:"));
    let mut words = || lines.next().unwrap().split(' ');
    let (names, numbers) = (words(), words());
    let found = names.zip(numbers).find(|(name, _)| *name == "RetransSegs");
    found.unwrap().1.parse().unwrap()
}

#[test]
fn tcp_edges_say_how_they_fared() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = Container::of(&engine, &image::WORKLOAD, "server")
        .unwrap()
        .on(&network)
        .command(["serve", "--port", "7000"])
        .run()
        .unwrap();
    server.wait_for_line("listening", SOON).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    let ip = server.ip(&network).unwrap();
    let client = Container::of(&engine, &image::WORKLOAD, "client")
        .unwrap()
        .on(&network)
        .option("--entrypoint=/bin/sh")
        .command(["-c", "sleep 600"])
        .run()
        .unwrap();
    let words = ["/bin/workload", "connect", "--connections", "20"];
    let to = [format!("{ip}:7000"), format!("{ip}:7001")];
    let to = to.iter().flat_map(|to| ["--to", to]);
    client.exec(words.into_iter().chain(to)).unwrap();
    let resent = [&client, &server].map(resent);
    let graph = probe.finish().unwrap();

    let tcp = |port| graph.edge("client", "server", port).unwrap()["tcp"].clone();
    let (good, refused) = (tcp(7000), tcp(7001));
    assert_eq!(refused["refused"], 20, "{refused:#}");
    assert_eq!(good["refused"], 0, "{good:#}");
    let figure = |key: &str| {
        good[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{key}: {good:#}"))
    };
    // Connecting is a part of living, and neither takes no time.
    assert!(figure("connect_ns") > 0 && figure("lifetime_ns") > 0);
    assert!(figure("rtt_samples") > 0 && figure("rtt_min_us") > 0);
    assert!(figure("rtt_us") >= figure("rtt_min_us"), "{good:#}");
    // Nothing is lost on a bridge, but a busy machine may answer too late.
    assert_eq!(
        [figure("retransmits_sent"), figure("retransmits_received")],
        resent
    );
}

#[test]
fn what_finds_no_room_is_counted_for_the_rest() {
    const PORTS: u16 = 30;
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = Container::of(&engine, &image::WORKLOAD, "server")
        .unwrap()
        .on(&network)
        .command(["serve", "--port", "7000"])
        .run()
        .unwrap();
    server.wait_for_line("listening", SOON).unwrap();
    let ip = server.ip(&network).unwrap();
    let probe = Probe::graph(&engine, &["--max-flows", "16"]).unwrap();
    // Refused connects to many ports fill the map, so that the last one finds it full.
    let refused = (7001..7001 + PORTS).flat_map(|port| ["--to".to_owned(), format!("{ip}:{port}")]);
    let filler = Container::of(&engine, &image::WORKLOAD, "filler")
        .unwrap()
        .on(&network)
        .command(["connect"])
        .command(refused)
        .run()
        .unwrap();
    filler.tally().unwrap();
    let client = Container::of(&engine, &image::WORKLOAD, "client")
        .unwrap()
        .on(&network)
        .command(["connect", "--connections", "500", "--request", "77"])
        .command(["--to", &format!("{ip}:7000")])
        .run()
        .unwrap();
    let tally = client.tally().unwrap();
    let graph = probe.finish().unwrap();

    let other = graph.json["edges"].as_array().unwrap().iter().find(|edge| {
        edge["protocol"] == "other"
            && Some(&edge["source"]) == graph.node("client").map(|n| &n["id"])
    });
    let other = other.unwrap_or_else(|| panic!("{:#}", graph.json));
    check(other, "connections_opened", 500);
    check(other, "bytes_sent", tally.bytes_sent);
    check(other, "bytes_received", tally.bytes_received);
    assert!(graph.json["losses"]["flows_dropped"].as_u64().unwrap() >= 500);
    assert_eq!(graph.json["losses"]["counts_dropped"], 0);
}

/// Whatever call moves them, bytes count once.
#[test]
fn every_way_to_send_and_to_receive_counts_its_bytes_once() {
    const SENDING: [&str; 6] = [
        "write", "zerocopy", "sendmmsg", "sendfile", "splice", "uring",
    ];
    const RECEIVING: [&str; 6] = ["read", "peek", "truncate", "recvmmsg", "splice", "uring"];
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, to) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    let ask = |(send, receive): (&str, &str)| {
        let name = format!("{send}-{receive}");
        let client = Container::of(&engine, &image::WORKLOAD, &name)
            .unwrap()
            .on(&network)
            // Engines differ in whether io_uring is let through.
            .option("--security-opt=seccomp=unconfined")
            .command(["connect", "--to", &to, "--connections", "10"])
            .command(["--request", "8-200000", "--response", "0-300000"])
            .command(["--send", send, "--receive", receive])
            .run()
            .unwrap();
        let tally = client.tally().unwrap();
        assert_eq!(tally.failures, 0, "{name}: {:?}", tally.first_failure);
        (name, tally)
    };
    let tallies: Vec<_> = SENDING.into_iter().zip(RECEIVING).map(ask).collect();
    let graph = probe.finish().unwrap();
    for (name, tally) in &tallies {
        let edge = graph.edge(name, "server", 7000).unwrap();
        check(edge, "connections_closed", tally.connections);
        check(edge, "bytes_sent", tally.bytes_sent);
        check(edge, "bytes_received", tally.bytes_received);
        // The kernel's own splicing makes as many calls as it likes.
        if !name.starts_with("sendfile") && !name.contains("splice") {
            check(edge, "sends", tally.sends);
            check(edge, "receives", tally.receives);
        }
    }
    nothing_lost(&graph);
}

/// MPTCP's calls are its own; its connections and bytes are those of the TCP it is made of, with what
/// it sends again on its own account.
#[test]
fn mptcp_counts_as_the_tcp_it_is_made_of() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let workload = |name: &str, words: &[&str]| {
        let container = Container::of(&engine, &image::WORKLOAD, name).unwrap();
        container.on(&network).command(words).run().unwrap()
    };
    let server = workload("server", &["serve", "--mptcp", "--port", "7000"]);
    server.wait_for_line("listening", SOON).unwrap();
    let to = format!("{}:7000", server.ip(&network).unwrap());
    let probe = Probe::graph(&engine, &[]).unwrap();
    let words = ["connect", "--mptcp", "--to", &to, "--connections", "20"];
    let sizes = ["--request", "8-100000", "--response", "0-100000"];
    let tally = workload("client", &[&words[..], &sizes].concat())
        .tally()
        .unwrap();
    let graph = probe.finish().unwrap();
    assert_eq!((tally.connections, tally.failures), (20, 0), "{tally:?}");
    assert_eq!(graph.edges_of(&["client", "server"]).len(), 1);
    let edge = graph.edge("client", "server", 7000).unwrap();
    check(edge, "connections_opened", tally.connections);
    check(edge, "connections_closed", tally.connections);
    assert!(edge["bytes_sent"].as_u64().unwrap() >= tally.bytes_sent);
    assert!(edge["bytes_received"].as_u64().unwrap() >= tally.bytes_received);
    nothing_lost(&graph);
}
