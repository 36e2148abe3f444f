//! Traffic, names and programs on a real engine, each at its smallest.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::time::Duration;

use probe_tests::probe::Graph;
use probe_tests::tally::Tally;
use probe_tests::{Container, Engine, Network, Probe, image, wait};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);
/// Containers of the burst.
const BURST: usize = 20;

/// A container of the workload; where it listens on port 7000, that is published.
fn workload<'engine>(
    engine: &'engine Engine,
    network: &Network<'_>,
    name: &str,
    words: &[&str],
) -> Container<'engine> {
    Container::of(engine, &image::WORKLOAD, name)
        .unwrap()
        .on(network)
        .publish(7000)
        .command(words.iter().copied())
        .run()
        .unwrap()
}

fn check(graph: &Graph, ends: (&str, &str, u16), expected: &[(&str, u64)]) {
    let edge = graph.edge(ends.0, ends.1, ends.2);
    let edge = edge.unwrap_or_else(|| panic!("no edge {ends:?}: {:#}", graph.json));
    for (key, value) in expected {
        assert_eq!(edge[key], *value, "{key} of {edge:#}");
    }
}

#[test]
fn connections_are_exact_refused_older_than_the_probe_or_through_a_proxy() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = workload(&engine, &network, "server", &["serve", "--port", "7000"]);
    let echo = workload(&engine, &network, "echo", &["echo", "--port", "7000"]);
    server.wait_for_line("listening", SOON).unwrap();
    echo.wait_for_line("listening", SOON).unwrap();
    let at = |container: &Container<'_>, port| {
        let address = container.ip(&network).unwrap();
        format!("{address}:{port}")
    };
    let to = at(&echo, 7000);
    let older = [
        "talk",
        "--to",
        &to,
        "--connections",
        "20",
        "--message",
        "1000",
    ];
    let talk = workload(&engine, &network, "talk", &older);
    talk.wait_for_line("round 1", SOON).unwrap();

    let probe = Probe::graph(&engine, &["--show-proxies"]).unwrap();
    engine.docker(["kill", "--signal", "USR1", "talk"]).unwrap();
    let (open, closed) = (at(&server, 7000), at(&server, 7001));
    let published = server.published(7000).unwrap();
    let proxied = format!("{}:{published}", engine.address());
    let say = |name: &str, to: &str, connections: &str| {
        let words = ["connect", "--request", "108", "--response", "1000", "--to"];
        let words = words.iter().chain([&to, &"--connections", &connections]);
        let words: Vec<_> = words.copied().collect();
        workload(&engine, &network, name, &words).tally().unwrap()
    };
    let direct = say("direct", &open, "200");
    let refused = say("refused", &closed, "5");
    let guest = say("guest", &proxied, "20");
    talk.wait_for_line("round 2", SOON).unwrap();
    // docker-proxy closes its end some time after the guest has heard all.
    wait::until("the server's connections are over", SOON, || {
        let sockets = server.exec(["netstat", "-tn"])?;
        let mut sockets = sockets.lines().filter(|line| line.starts_with("tcp"));
        let over = sockets.all(|line| line.contains("TIME_WAIT"));
        Ok(over.then_some(()))
    })
    .unwrap();
    let graph = probe.finish().unwrap();

    assert_eq!(
        (direct.connections, refused.failures, guest.connections),
        (200, 5, 20)
    );
    let edges = [
        ("direct", "server", 7000),
        ("docker-proxy", "server", 7000),
        ("guest", "docker-proxy", published),
        ("refused", "server", 7001),
        ("talk", "echo", 7000),
    ];
    let seen = graph.edges_of(&["direct", "refused", "guest", "talk", "server", "echo"]);
    let expected = edges.map(|(from, to, port)| (from.to_owned(), to.to_owned(), port.into()));
    assert_eq!(seen, expected);
    let moved = |tally: &Tally| {
        [
            ("connections_opened", tally.connections),
            ("connections_closed", tally.connections),
            ("bytes_sent", tally.bytes_sent),
            ("bytes_received", tally.bytes_received),
        ]
    };
    check(&graph, edges[0], &moved(&direct));
    // It splices from socket to socket: no receive call sees the bytes.
    check(&graph, edges[1], &moved(&guest));
    check(&graph, edges[2], &moved(&guest));
    check(
        &graph,
        edges[3],
        &[("connections_failed", 5), ("bytes_sent", 0)],
    );
    let standing = [
        ("connections_existing", 20),
        ("connections_opened", 0),
        ("bytes_sent", 20_000),
        ("bytes_received", 20_000),
    ];
    check(&graph, edges[4], &standing);
    assert_eq!(graph.lost(), []);
}

#[test]
fn brief_containers_and_what_runs_in_them_have_their_names() {
    // Emulated, a container takes several seconds to be made.
    let burst = if wait::patient(SOON) > SOON { 5 } else { BURST };
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = workload(&engine, &network, "server", &["serve", "--port", "7000"]);
    server.wait_for_line("listening", SOON).unwrap();
    let to = format!("{}:7000", server.ip(&network).unwrap());
    let events = Probe::start(&engine, ["events", "-o", "json"]).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    for number in 0..burst {
        let name = format!("brief-{number}");
        let run = ["run", "--rm", "--network", "net", "--name", &name];
        let what = ["workload", "connect", "--to", &to];
        engine.docker(run.iter().chain(&what)).unwrap();
    }
    let failed = server.exec(["sh", "-c", "/bin/true; exit 3"]);
    failed.unwrap_err();
    let graph = probe.finish().unwrap();
    let printed = events.interrupt().unwrap().stdout;

    for number in 0..burst {
        let name = format!("brief-{number}");
        let ends = (name.as_str(), "server", 7000);
        check(&graph, ends, &[("connections_opened", 1)]);
    }
    assert_eq!(graph.edges_of(&["server"]).len(), burst);
    let seen = |kind: &str, command: &str, container: &str| {
        let mut events = printed
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found = events.find(|event| {
            event["type"] == kind
                && event["command"] == command
                && event["container"]["name"] == container
        });
        found.unwrap_or_else(|| panic!("no {kind} of {command} in {container}: {printed}"))
    };
    assert_eq!(seen("exec", "true", "server")["path"], "/bin/true");
    assert_eq!(seen("exit", "sh", "server")["status"], 3);
    assert_eq!(seen("exec", "workload", "brief-0")["path"], "/bin/workload");
}
