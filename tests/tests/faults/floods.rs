//! More than usual: of programs, of connections.

use std::{thread, time::Duration};

use nix::sys::signal::Signal;
use probe_tests::{Agent, Container, Engine, Network, agent::whole_edge, image, wait};

use crate::{CONNECTIONS, metric, signal};

/// How long what came while nobody read may take to be read.
const FLOOD_DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn a_flood_of_programs_is_told_or_counted_as_lost() {
    const RUNS: u64 = 3000;
    let engine = Engine::start().unwrap();
    let container = Container::of(&engine, &image::BUSYBOX, "flood")
        .unwrap()
        .command(["sleep", "600"])
        .run()
        .unwrap();
    let agent = Agent::start(&engine, &[]).unwrap();
    let mut events = agent.unix.follow("/api/v1/events").unwrap();
    let reader = thread::spawn(move || {
        let mut seen = 0;
        while let Some((name, event)) = events.next_event().unwrap() {
            assert_eq!(name, "event", "{event}");
            if event["type"] != "exec" || event["container"]["name"] != "flood" {
                continue;
            }
            match event["path"].as_str().unwrap() {
                "/bin/true" => seen += 1,
                "/bin/false" => break,
                _ => {}
            }
        }
        seen
    });
    let flood = format!("i=0; while [ $i -lt {RUNS} ]; do /bin/true; i=$((i+1)); done");
    container.exec(["sh", "-c", &flood]).unwrap();
    // The flood's own end may be among what is lost.
    wait::until("the end is told", FLOOD_DEADLINE, || {
        container.exec(["sh", "-c", "/bin/false; :"])?;
        Ok(reader.is_finished().then_some(()))
    })
    .unwrap();
    let seen: u64 = reader.join().unwrap();
    assert!(seen <= RUNS);
    // What was lost is told with the next tick.
    let graph = wait::until("each run is told or lost", FLOOD_DEADLINE, || {
        let graph = agent.tcp.get("/api/v1/graph", &[])?.json()?;
        let dropped = graph["account"]["records_ring"].as_u64().unwrap();
        Ok((seen + dropped >= RUNS).then_some(graph))
    })
    .unwrap();
    assert!(graph["account"]["records"].as_u64().unwrap() >= seen);
    wait::until("the metric says the same", FLOOD_DEADLINE, || {
        let dropped = metric(&agent.tcp, "probe_losses_total{cause=\"records_dropped\"} ");
        let graph = agent.tcp.get("/api/v1/graph", &[])?.json()?;
        Ok((graph["account"]["records_ring"] == dropped).then_some(()))
    })
    .unwrap();
}

#[test]
fn a_flood_of_connections_is_counted_to_the_last() {
    const MANY: u64 = 20_000;
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let agent = Agent::start(&engine, &[]).unwrap();
    let many = MANY.to_string();
    let client = Container::of(&engine, &image::WORKLOAD, "client")
        .unwrap()
        .on(&network)
        .command(["connect", "--to", &address, "--connections", &many])
        .command(["--concurrency", "16", "--request", "8-300"])
        .run()
        .unwrap();
    let tally = client.tally().unwrap();
    let edge = whole_edge(&agent.tcp, tally.connections).unwrap();
    assert_eq!(edge["connections_opened"], tally.connections);
    assert_eq!(edge["connections_failed"], tally.failures);
    assert_eq!(edge["bytes_sent"], tally.bytes_sent);
    assert_eq!(edge["bytes_received"], tally.bytes_received);
    for cause in ["flows", "sockets", "counts"] {
        let lost = format!("probe_losses_total{{cause=\"{cause}_dropped\"}} ");
        assert_eq!(metric(&agent.tcp, &lost), 0, "{cause}");
    }
}

#[test]
fn what_comes_while_it_is_stopped_is_counted_or_counted_as_lost() {
    const RUNS: u64 = 3000;
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let agent = Agent::start(&engine, &[]).unwrap();
    signal(agent.probe.pid(), Signal::SIGSTOP);
    let tally = Container::connecting(&engine, &network, "client", &address, CONNECTIONS)
        .unwrap()
        .tally()
        .unwrap();
    let flood = format!("i=0; while [ $i -lt {RUNS} ]; do /bin/true; i=$((i+1)); done");
    server.exec(["sh", "-c", &flood]).unwrap();
    signal(agent.probe.pid(), Signal::SIGCONT);
    let edge = whole_edge(&agent.tcp, CONNECTIONS).unwrap();
    assert_eq!(edge["bytes_sent"], tally.bytes_sent);
    assert_eq!(edge["bytes_received"], tally.bytes_received);
    // Each has three: it was made, became another program, and ended. What waits in the ring
    // yet is neither told nor lost.
    let graph = wait::until("each record is told or lost", FLOOD_DEADLINE, || {
        let graph = agent.tcp.get("/api/v1/graph", &[])?.json()?;
        let account = |key: &str| graph["account"][key].as_u64().unwrap();
        let all = account("records") + account("records_ring");
        Ok((all >= 3 * RUNS).then_some(graph))
    })
    .unwrap();
    let dropped = graph["account"]["records_ring"].as_u64().unwrap();
    assert!(dropped > 0, "the ring is no larger than it was");
    assert!(graph["completeness"].as_f64().unwrap() < 1.0);
}
