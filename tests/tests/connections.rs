//! `probe events` on connections and OOM kills in containers.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use probe_tests::{Agent, Container, Engine, Network, Probe, image, objects, programs, wait};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

fn events(engine: &Engine, filter: &str) -> Probe {
    Probe::start(engine, ["events", "-o", "json", "--filter", filter]).unwrap()
}

/// The events of a type that happened in the container, each with the container's peer.
fn of<'a>(events: &'a [Value], kind: &str, own: &str, peer: &str) -> Vec<&'a Value> {
    let is = |event: &&Value| {
        event["type"] == kind && event["container"]["name"] == own && event["peer"]["name"] == peer
    };
    events.iter().filter(is).collect()
}

fn sum(events: &[&Value], key: &str) -> u64 {
    events
        .iter()
        .map(|event| event[key].as_u64().unwrap())
        .sum()
}

#[test]
fn connections_between_containers_are_told_one_by_one() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (server, to) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let probe = events(&engine, "evt.type in (connect, accept, close)");
    let clients = events(&engine, "evt.type = connect and fd.port = 7000");
    let client = Container::connecting(&engine, &network, "client", &to, 20).unwrap();
    let asked = client.tally().unwrap();
    assert_eq!((asked.connections, asked.failures), (20, 0));
    let pid = server.inspect("{{.State.Pid}}").unwrap();
    server.stop().unwrap();
    let answered = server.tally().unwrap();
    let printed = probe.interrupt().unwrap();
    let events = objects(&printed.stdout).unwrap();
    let connects = of(&events, "connect", "client", "server");
    assert_eq!(connects.len(), 20, "{}", printed.stdout);
    for connect in &connects {
        assert_eq!(connect["failed"], false);
        assert_eq!(connect["command"], "workload");
        assert_eq!(connect["remote"], to);
        assert_eq!(connect["peer"]["id"], server.id());
        assert!(connect["connect_seconds"].as_f64().unwrap() > 0.0);
    }
    let accepts = of(&events, "accept", "server", "client");
    assert_eq!(accepts.len(), 20, "{}", printed.stdout);
    for accept in &accepts {
        // Made in an interrupt, it is whoever listens who owns it, since before the probe came.
        assert_eq!(accept["pid"].to_string(), pid, "{accept:#}");
        assert_eq!(accept["local"], to);
    }
    for (own, peer, tally) in [("client", "server", asked), ("server", "client", answered)] {
        let closes = of(&events, "close", own, peer);
        assert_eq!(closes.len(), 20, "{}", printed.stdout);
        assert_eq!(sum(&closes, "bytes_sent"), tally.bytes_sent);
        assert_eq!(sum(&closes, "bytes_received"), tally.bytes_received);
        for close in closes {
            assert_eq!(close["role"], own);
            assert!(close["open_seconds"].as_f64().unwrap() > 0.0);
        }
    }
    assert!(!printed.stderr.contains("lost"), "{}", printed.stderr);
    let printed = clients.interrupt().unwrap().stdout;
    assert_eq!(objects(&printed).unwrap().len(), 20, "{printed}");
}

#[test]
fn connects_that_fail_say_why() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (server, to) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let probe = events(&engine, "evt.failed = true and fd.proto = tcp");
    let refused = to.replace(":7000", ":7001");
    // The address after the last one that was given: nobody has it.
    let nobody = to.replace(".2:7000", ".77:7000");
    assert_ne!(nobody, to);
    let client = Container::connecting(&engine, &network, "client", &refused, 3).unwrap();
    let lost = Container::connecting(&engine, &network, "lost", &nobody, 1).unwrap();
    for (client, failures) in [(&client, 3), (&lost, 1)] {
        assert_eq!(client.tally().unwrap().failures, failures);
    }
    let printed = probe.interrupt().unwrap().stdout;
    let mut events = objects(&printed).unwrap();
    // Others on this machine may fail, too.
    events.retain(|event| [&refused, &nobody].iter().any(|to| event["remote"] == **to));
    assert_eq!(events.len(), 4, "{printed}");
    let failed = of(&events, "connect", "client", "server");
    assert_eq!(failed.len(), 3, "{printed}");
    for connect in failed {
        assert_eq!(connect["errno"], "ECONNREFUSED");
        assert_eq!(connect["remote"], refused);
    }
    let lost = &events.iter().find(|event| event["remote"] == nobody);
    assert_eq!(lost.unwrap()["errno"], "EHOSTUNREACH", "{printed}");
    drop(server);
}

#[test]
fn an_oom_kill_is_told_of_its_container() {
    let engine = Engine::start().unwrap();
    let probe = events(&engine, "evt.type = oom-kill and container.name = hungry");
    let agent = Agent::start(&engine, &[]).unwrap();
    let mut told = agent.unix.follow("/api/v1/events").unwrap();
    let container = Container::of(&engine, &image::WORKLOAD, "hungry")
        .unwrap()
        .option("--memory=32m")
        .option("--entrypoint=/bin/sh")
        .command(["-c", "workload hoard --mebibytes 64; echo over; sleep 600"])
        .run()
        .unwrap();
    container.wait_for_line("over", SOON).unwrap();
    let (kind, event) = loop {
        let (name, event) = told.next_event().unwrap().unwrap();
        if event["type"] == "oom-kill" && event["container"]["name"] == "hungry" {
            break (name, event);
        }
    };
    assert_eq!(kind, "event");
    let top = ["top", "containers", "--count", "1", "-o", "json"];
    let top = Probe::start(&engine, top).unwrap();
    let counted = objects(&top.wait(SOON).unwrap().stdout).unwrap();
    let printed = probe.interrupt().unwrap().stdout;
    let events = objects(&printed).unwrap();
    let [killed] = events.as_slice() else {
        panic!("one is killed: {printed}");
    };
    assert_eq!(killed["container"]["name"], "hungry");
    assert_eq!(killed["container"]["id"], container.id());
    assert_eq!(killed["command"], "workload");
    assert_eq!(killed["pid"], event["pid"]);
    let line = counted.iter().find(|line| line["name"] == "hungry");
    assert_eq!(line.unwrap()["oom_kills"], 1, "{counted:#?}");
}

#[test]
fn its_programs_are_loaded_only_where_a_connection_may_pass() {
    let loaded = |args: &[&str]| {
        let (mut programs, bytes) = programs::loaded_by(args).unwrap();
        programs.retain(|name| name.starts_with("connection"));
        (programs, bytes)
    };
    let (all, with) = loaded(&["events"]);
    assert_eq!(all, ["connection_stat", "connection_gone"]);
    let one = ["events", "--filter", "fd.port = 80 and evt.type = close"];
    assert_eq!(loaded(&one).0.len(), 2);
    let none: [&[&str]; 4] = [
        &["events", "--filter", "evt.type in (exec, oom-kill)"],
        &["graph"],
        &["traffic"],
        &["run", "--listen", "none", "--socket", "none"],
    ];
    for args in none {
        let (own, _) = loaded(args);
        assert_eq!(own, Vec::<String>::new(), "{args:?}");
    }
    let (_, without) = loaded(none[0]);
    assert!(
        with > without + (3 << 20),
        "{with} and {without} bytes of maps"
    );
}

#[test]
fn connections_that_were_not_taken_are_counted_one_by_one() {
    const CONNECTIONS: u64 = 15_000;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let at = listener.local_addr().unwrap();
    let filter = format!("evt.type = connect and fd.port = {}", at.port());
    // A reader that does not read: the pipe is full, and then the ring.
    let probe = Probe::alone_unread(["events", "--buffer", "1", "--filter", &filter]).unwrap();
    for _ in 0..CONNECTIONS {
        // Gone at once, by a reset: none of them keeps its port.
        let client = TcpStream::connect(at).unwrap();
        let (server, _) = listener.accept().unwrap();
        nix::sys::socket::setsockopt(
            &client,
            nix::sys::socket::sockopt::Linger,
            &libc::linger {
                l_onoff: 1,
                l_linger: 0,
            },
        )
        .unwrap();
        drop((client, server));
    }
    let printed = probe.interrupt().unwrap();
    let said = printed.stderr;
    let lost: u64 = said
        .lines()
        .filter(|line| line.contains("events of connections are lost"))
        .map(|line| line.split(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert!(lost > 0 && said.contains("a larger --buffer"), "{said}");
    let shown = printed.stdout.lines().count() as u64;
    assert_eq!(shown + lost, CONNECTIONS, "{said}");
}

#[test]
fn an_agent_says_what_it_does_not_tell() {
    let engine = Engine::start().unwrap();
    let agent = Agent::start(&engine, &[]).unwrap();
    let socket = agent.socket.to_str().unwrap();
    let probe = Probe::start(&engine, ["events", "--agent", socket]).unwrap();
    let said = "connections are not among its events";
    wait::until("it says so", SOON, || {
        Ok(probe.stderr().contains(said).then_some(()))
    })
    .unwrap();
    probe.interrupt().unwrap();
}
