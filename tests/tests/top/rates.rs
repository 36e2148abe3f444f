//! What flows, by the graph's account and the workload's.

use probe_tests::{Container, Engine, Network, Probe, image, objects};

use crate::{SOON, lines, number, time, top};

/// What the rates of one name add up to over their intervals.
fn sum_of_rates(printed: &str, key: &str, name: &str, rate: &str) -> f64 {
    let mut times: Vec<f64> = printed
        .lines()
        .map(|line| time(&serde_json::from_str(line).unwrap()))
        .collect();
    times.dedup();
    let amounts = lines(printed, key, name).into_iter().map(|line| {
        let at = times
            .iter()
            .position(|at| at.to_bits() == time(&line).to_bits())
            .unwrap();
        // The first interval began when watching did: a second before.
        let passed = at
            .checked_sub(1)
            .map_or(1.0, |before| times[at] - times[before]);
        number(&line, rate) * passed
    });
    amounts.sum()
}

#[test]
fn bytes_agree_with_the_graphs_and_the_workloads() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = Container::of(&engine, &image::WORKLOAD, "server")
        .unwrap()
        .on(&network)
        .label("com.docker.compose.project", "shop")
        .label("com.docker.compose.service", "back")
        .command(["serve", "--port", "7000"])
        .run()
        .unwrap();
    server.wait_for_line("listening", SOON).unwrap();
    let to = format!("{}:7000", server.ip(&network).unwrap());
    let probes =
        ["containers", "connections", "ports", "services"].map(|list| top(&engine, &[list]));
    let graph = Probe::graph(&engine, &["--filter", "container.name = client"]).unwrap();
    let other = Probe::graph(
        &engine,
        &["--filter", "container.name = client and fd.sport = 1"],
    );
    let client = Container::of(&engine, &image::WORKLOAD, "client")
        .unwrap()
        .on(&network)
        .command(["connect", "--to", &to, "--connections", "300"])
        .command(["--request", "1000", "--response", "20000"])
        .run()
        .unwrap();
    let tally = client.tally().unwrap();
    assert_eq!(tally.connections, 300);
    // Each line of a look has the look's time.
    let times = |printed: &str| {
        let mut times: Vec<String> = objects(printed)
            .unwrap()
            .iter()
            .map(|line| line["time"].to_string())
            .collect();
        times.dedup();
        times.len()
    };
    for probe in &probes {
        let seen = times(&probe.lines().unwrap());
        probe
            .wait_for_stdout("two more looks", SOON, |lines| times(lines) >= seen + 2)
            .unwrap();
    }

    let [containers, connections, ports, services] =
        probes.map(|probe| probe.interrupt().unwrap().stdout);
    let graph = graph.finish().unwrap();
    assert_eq!(graph.edges_of(&["client"]).len(), 1);
    let edge = graph.edge("client", "server", 7000).unwrap();
    assert_eq!(edge["bytes_sent"], tally.bytes_sent);
    assert_eq!(
        other.unwrap().finish().unwrap().json["edges"]
            .as_array()
            .unwrap()
            .len(),
        0
    );

    let of_edge = lines(&connections, "client", "client");
    let last = of_edge.last().unwrap();
    assert_eq!(last["sent_total"], edge["bytes_sent"]);
    assert_eq!(last["received_total"], edge["bytes_received"]);
    assert_eq!(last["opened_total"], edge["connections_opened"]);
    assert_eq!(
        (&last["server"], &last["listener"]),
        (&"server".into(), &"7000".into())
    );
    let port = lines(&ports, "server", "server");
    assert_eq!(port.last().unwrap()["in_total"], tally.bytes_sent);
    assert_eq!(port.last().unwrap()["clients"], 1);

    let check = |printed: &str, key: &str, name: &str, rate: &str, expected: u64| {
        let sum = sum_of_rates(printed, key, name, rate);
        #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
        let expected = expected as f64;
        assert!(
            (sum / expected - 1.0).abs() < 0.1,
            "{rate} of {name}: {sum} of {expected}"
        );
    };
    check(&connections, "client", "client", "sent", tally.bytes_sent);
    check(&containers, "name", "server", "net_in", tally.bytes_sent);
    check(
        &containers,
        "name",
        "server",
        "net_out",
        tally.bytes_received,
    );
    check(&ports, "server", "server", "out", tally.bytes_received);
    check(
        &services,
        "service",
        "shop/back",
        "net_in",
        tally.bytes_sent,
    );
}
