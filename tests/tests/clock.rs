//! The wall clock is set while an agent runs: by an hour, by days, back and forth. What lasts and
//! what counts goes on, and times are told by the clock as it is.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use probe_tests::{
    Agent, Clock, Container, Engine, Network, Probe, agent::whole_edge, image, objects,
};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);
const CONNECTIONS: u64 = 50;

fn connect(engine: &Engine, network: &Network<'_>, name: &str, address: &str) -> u64 {
    let client = Container::connecting(engine, network, name, address, CONNECTIONS);
    client.unwrap().tally().unwrap().bytes_sent
}

#[test]
fn a_graph_counts_through_it_and_lasts_as_long_as_it_did() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let clock = Clock::ahead("+0").unwrap();
    // Nothing leaves the window, whatever the clock says of when it came.
    let args = ["--window", "10m"];
    let probe = Probe::graph_with(&engine, &args, &clock.env().unwrap()).unwrap();
    let mut sent = connect(&engine, &network, "before", &address);
    clock.set("+3d").unwrap();
    probe
        .wait_for_stderr("the clock was set ahead by 72h:", SOON)
        .unwrap();
    sent += connect(&engine, &network, "ahead", &address);
    clock.set("-2h").unwrap();
    probe
        .wait_for_stderr("the clock was set back by 74h:", SOON)
        .unwrap();
    sent += connect(&engine, &network, "behind", &address);
    let graph = probe.finish().unwrap();

    let edges = ["before", "ahead", "behind"].map(|name| graph.edge(name, "server", 7000).unwrap());
    let sum = |key: &str| {
        edges
            .iter()
            .map(|edge| edge[key].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(sum("connections_opened"), 3 * CONNECTIONS);
    assert_eq!(sum("connections_closed"), 3 * CONNECTIONS);
    assert_eq!(sum("bytes_sent"), sent);
    let time =
        |key: &str| -> jiff::Timestamp { graph.json[key].as_str().unwrap().parse().unwrap() };
    let (started, ended) = (time("started"), time("ended"));
    let lasted = ended.duration_since(started);
    assert!(
        lasted.is_positive() && lasted.as_mins() < 10,
        "{started} to {ended}"
    );
    let machine = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let behind = machine.as_secs() - u64::try_from(ended.as_second()).unwrap();
    assert!(
        (7000..8000).contains(&behind),
        "two hours, and not {behind} s"
    );
    assert_eq!(graph.json["losses"]["flows_dropped"], 0);
}

#[test]
fn what_starts_after_it_was_set_back_is_news() {
    let engine = Engine::start().unwrap();
    let clock = Clock::ahead("+1h").unwrap();
    let args = ["events", "-o", "json"];
    let probe = Probe::start_with(&engine, args, &clock.env().unwrap()).unwrap();
    // The engine has gone by the machine's clock all the time.
    clock.set("+0").unwrap();
    probe
        .wait_for_stderr("the clock was set back by 1h:", SOON)
        .unwrap();
    let new = Container::of(&engine, &image::BUSYBOX, "new").unwrap();
    let new = new.command(["sh", "-c", "/bin/true"]).run().unwrap();
    new.wait().unwrap();
    // Its end is told at a tick after the engine has told it.
    probe
        .wait_for_stdout("it has ended", SOON, |printed| {
            let ended = |event: &Value| {
                event["type"] == "container-stop" && event["container"]["name"] == "new"
            };
            objects(printed).unwrap().iter().any(ended)
        })
        .unwrap();
    let printed = probe.interrupt().unwrap().stdout;
    let events = objects(&printed).unwrap();
    let of = |kind: &str| {
        let found = events
            .iter()
            .find(|event| event["type"] == kind && event["container"]["name"] == "new");
        found.unwrap_or_else(|| panic!("no {kind}: {printed}"))
    };
    let (start, stop) = (of("container-start"), of("container-stop"));
    assert!(start["time"].as_str() <= stop["time"].as_str());
    // By one clock now, the agent's and the engine's.
    let exec: jiff::Timestamp = of("exec")["time"].as_str().unwrap().parse().unwrap();
    let start: jiff::Timestamp = start["time"].as_str().unwrap().parse().unwrap();
    assert!(exec.duration_since(start).as_mins() == 0, "{start}, {exec}");
}

#[test]
fn an_agent_goes_on_and_says_so() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let clock = Clock::ahead("+0").unwrap();
    // Walls would keep the clock's file from it, which a real one has not.
    let args = ["--no-sandbox", "--window", "10m", "-o", "lines"];
    let agent = Agent::start_with(&engine, &args, &clock.env().unwrap()).unwrap();
    let start_time = || -> f64 {
        let metrics = agent.unix.get("/metrics", &[]).unwrap().text();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("probe_start_time_seconds "));
        line.unwrap().parse().unwrap()
    };
    let before = start_time();
    for (jumps, ahead) in (1..).zip(["-1d", "+1y", "+0"]) {
        clock.set(ahead).unwrap();
        let said = || agent.probe.stderr().matches("the clock was set ").count();
        probe_tests::wait::until("it says so", SOON, || Ok((said() >= jumps).then_some(())))
            .unwrap();
        assert_eq!(
            agent.tcp.get("/readyz", &[]).unwrap().status,
            200,
            "{ahead}"
        );
    }
    connect(&engine, &network, "client", &address);
    let edge = whole_edge(&agent.tcp, CONNECTIONS).unwrap();
    assert_eq!(edge["connections_opened"], CONNECTIONS);
    assert!((start_time() - before).abs() <= 1.0, "back where it was");
    let printed = thread::spawn(move || agent.probe.interrupt())
        .join()
        .unwrap();
    printed.unwrap();
}
