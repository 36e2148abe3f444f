//! What a filter says of containers, decided in the kernel as soon as they are known, on a real engine.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::time::Duration;

use probe_tests::{Container, Engine, Network, Probe, image, objects};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);
/// That no other test's containers talk on.
const PORT: u16 = 7713;
const CONNECTIONS: usize = 20;
const MESSAGE: u64 = 1000;

/// Keeps connections to `to`, and says something on each when it is told to, and once at first.
fn talker<'engine>(
    engine: &'engine Engine,
    network: &Network<'_>,
    name: &str,
    to: &str,
) -> Container<'engine> {
    let start = Container::of(engine, &image::WORKLOAD, name).unwrap();
    let (connections, message) = (CONNECTIONS.to_string(), MESSAGE.to_string());
    let talker = start
        .on(network)
        .command(["talk", "--to", to, "--connections", &connections])
        .command(["--message", &message])
        .run()
        .unwrap();
    talker.wait_for_line("round 1", SOON).unwrap();
    talker
}

/// Bytes that the container was seen to have written, and to have read.
fn moved(messages: &[Value], container: &Container<'_>) -> (u64, u64) {
    let of = |verb: &str| {
        let is = |message: &&Value| {
            message["container"]["id"] == container.id() && message["type"] == verb
        };
        let bytes = messages.iter().filter(is);
        bytes
            .map(|message| message["bytes"].as_u64().unwrap())
            .sum()
    };
    (of("write"), of("read"))
}

#[test]
fn only_a_wanted_containers_messages_leave_the_kernel() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let echo = Container::of(&engine, &image::WORKLOAD, "echo")
        .unwrap()
        .on(&network)
        .command(["echo", "--port", &PORT.to_string()])
        .run()
        .unwrap();
    echo.wait_for_line("listening", SOON).unwrap();
    let to = format!("{}:{PORT}", echo.ip(&network).unwrap());
    let wanted = talker(&engine, &network, "wanted", &to);
    let other = talker(&engine, &network, "other", &to);

    let filter = format!("container.name startswith wanted and fd.port = {PORT}");
    let words = ["traffic", "-o", "json", "--filter", &filter];
    let log = [("RUST_LOG", "probe_user=debug")];
    let probe = Probe::start_with(&engine, words, &log).unwrap();
    for container in [&echo, &other] {
        let kept = format!("what is in cgroup {} stays", container.cgroup().unwrap());
        probe.wait_for_stderr(&kept, SOON).unwrap();
    }
    let say = |container: &Container<'_>, round: &str| {
        let name = container.name();
        engine.docker(["kill", "--signal", "USR1", name]).unwrap();
        container.wait_for_line(round, SOON).unwrap();
    };
    say(&wanted, "round 2");
    say(&other, "round 2");
    // It begins when the probe knows nothing of it yet.
    let late = talker(&engine, &network, "wanted-late", &to);
    // From now on it is one of them.
    engine.docker(["rename", "other", "wanted-too"]).unwrap();
    let passes = format!("what is in cgroup {} passes", other.cgroup().unwrap());
    probe.wait_for_stderr(&passes, SOON).unwrap();
    engine
        .docker(["kill", "--signal", "USR1", "wanted-too"])
        .unwrap();
    other.wait_for_line("round 3", SOON).unwrap();

    let printed = probe.interrupt().unwrap();
    let messages = objects(&printed.stdout).unwrap();
    let round = CONNECTIONS as u64 * MESSAGE;
    for container in [&wanted, &late, &other] {
        let name = container.name();
        assert_eq!(moved(&messages, container), (round, round), "{name}");
    }
    assert_eq!(moved(&messages, &echo), (0, 0));
    let mut lines = printed.stderr.lines();
    let end = lines.find(|line| line.contains("messages shown")).unwrap();
    assert!(end.ends_with(" 0 filtered out, 0 lost"), "{end}");
}

#[test]
fn of_a_wanted_containers_connections_each_is_told() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (server, to) = Container::serving(&engine, &network, "server", PORT).unwrap();
    let filter = "container.name = wanted and evt.type in (connect, close)";
    let words = ["events", "-o", "json", "--filter", filter];
    let log = [("RUST_LOG", "probe_user=debug")];
    let probe = Probe::start_with(&engine, words, &log).unwrap();
    let kept = format!("what is in cgroup {} stays", server.cgroup().unwrap());
    probe.wait_for_stderr(&kept, SOON).unwrap();
    let clients = ["other", "wanted"]
        .map(|name| Container::connecting(&engine, &network, name, &to, 50).unwrap());
    for client in &clients {
        assert_eq!(client.tally().unwrap().connections, 50);
    }
    let printed = probe.interrupt().unwrap();
    let events = objects(&printed.stdout).unwrap();
    for kind in ["connect", "close"] {
        let is = |event: &&Value| {
            assert_eq!(event["container"]["name"], "wanted", "{event:#}");
            event["type"] == kind
        };
        let told = events.iter().filter(is).count();
        assert_eq!(told, 50, "{kind}: {}", printed.stdout);
    }
    assert!(!printed.stderr.contains("lost"), "{}", printed.stderr);
}
