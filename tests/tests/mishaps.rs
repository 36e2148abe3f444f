//! Traffic that does not simply arrive: to nobody, refused, sent again, without room in the flow map.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::time::Duration;

use probe_tests::{Container, Engine, Network, Probe, image};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

fn check(edge: &Value, key: &str, expected: u64) {
    assert_eq!(edge[key], expected, "{key} of {edge:#}");
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
