//! Two agents on one host.

use std::process::Command;

use probe_tests::{Agent, Container, Engine, Network, agent::whole_edge, place};

use crate::{CONNECTIONS, NO_ENGINE};

#[test]
fn two_agents_are_both_exact() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let agents = [
        Agent::start(&engine, &[]).unwrap(),
        Agent::start(&engine, &[]).unwrap(),
    ];
    let tally = Container::connecting(&engine, &network, "client", &address, CONNECTIONS)
        .unwrap()
        .tally()
        .unwrap();
    for agent in agents {
        let edge = whole_edge(&agent.tcp, CONNECTIONS).unwrap();
        assert_eq!(edge["connections_opened"], CONNECTIONS);
        assert_eq!(edge["bytes_sent"], tally.bytes_sent);
        assert_eq!(edge["bytes_received"], tally.bytes_received);
        assert_eq!(edge["join"], "sequence");
    }
}

#[test]
fn a_second_one_does_not_take_the_firsts_socket() {
    let engine = Engine::start().unwrap();
    let agent = Agent::start(&engine, &[]).unwrap();
    let output = Command::new(place::probe())
        .args(["run", "--listen", "none", "--engine", NO_ENGINE, "--socket"])
        .arg(&agent.socket)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(agent.socket.to_str().unwrap()), "{said}");
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");
    assert_eq!(agent.unix.get("/readyz", &[]).unwrap().status, 200);
}
