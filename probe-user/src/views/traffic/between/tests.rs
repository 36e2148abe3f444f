use std::{net::SocketAddr, sync::Arc, time::Instant};

use bytes::Bytes;

use super::{super::Talk, filter};
use crate::{
    identity::{
        Attachment, ContainerId, Directory, Facts, Life, Names, Runtime,
        workload::{Holders, Host},
    },
    ids::{CgroupId, Nanos, NetNs, Pid},
    kernel::messages::{Channel, Direction, Message},
    topology::{Aliases, EdgeKey, Listener, NodeId},
};

const CLIENT: &str = "10.0.0.2";
const SERVER: &str = "10.0.0.3";
/// The host's own.
const HOST: &str = "10.0.0.1";
const ELSEWHERE: &str = "192.0.2.7";

/// Containers of `a`s and `b`s at the first two addresses, in cgroups 1 and 2.
fn host() -> Host {
    let directory = Directory::default();
    for (cgroup, digit, address) in [(1, "a", CLIENT), (2, "b", SERVER)] {
        let id = digit.repeat(64);
        directory.cgroup_made(CgroupId(cgroup), &format!("/docker/{id}"));
        let facts = Facts {
            life: Some(Life::Running),
            networks: Some(vec![Attachment {
                network: "net".into(),
                addresses: vec![address.parse().unwrap()],
            }]),
            ..Facts::new(ContainerId::new(&id), "docker".into(), Runtime::Docker)
        };
        directory.upsert(facts, Instant::now());
    }
    Host {
        directory: Arc::new(directory),
        ecs: None,
        addresses: vec![HOST.parse().unwrap()],
        names: Names::default(),
    }
}

/// Said in a cgroup by `curl`.
fn talk(cgroup: u64, channel: Channel) -> Talk {
    let message = Message {
        time: Nanos(1),
        cgroup: CgroupId(cgroup),
        pid: Pid(7),
        thread: Pid(7),
        command: "curl".to_owned(),
        direction: Direction::Sent,
        channel,
        netns: NetNs(1),
        call: 1,
        fd: 3,
        length: 2,
        payload: Bytes::from_static(b"hi"),
    };
    let time = "2026-01-02T03:04:05Z".parse().unwrap();
    Talk::new(
        message,
        time,
        &host(),
        &mut Holders::default(),
        &"here".into(),
    )
}

fn tcp(cgroup: u64, local: (&str, u16), remote: (&str, u16)) -> Talk {
    let address = |(ip, port): (&str, u16)| SocketAddr::new(ip.parse().unwrap(), port);
    let channel = Channel::Inet {
        tcp: true,
        local: address(local),
        remote: Some(address(remote)),
    };
    talk(cgroup, channel)
}

/// `a` and `b` are the containers.
fn edge(source: &str, target: &str, listener: Listener) -> EdgeKey {
    let node = |name: &str| match name {
        "a" | "b" => NodeId::new(&format!("container:{}", name.repeat(64))),
        name => NodeId::new(name),
    };
    EdgeKey {
        source: node(source),
        target: node(target),
        listener,
    }
}

/// The ends see each other where they are.
fn nowhere() -> Aliases {
    Aliases::default()
}

#[test]
fn both_ends_of_a_connection_are_part_of_its_edge_and_others_are_not() {
    let http = edge("a", "b", Listener::Tcp(80));
    let check = |talk: Talk, is: bool| assert_eq!(talk.is_of(&http, &nowhere()), is, "{talk:?}");
    check(tcp(1, (CLIENT, 4000), (SERVER, 80)), true);
    check(tcp(2, (SERVER, 80), (CLIENT, 4000)), true);
    check(tcp(1, (CLIENT, 4000), (SERVER, 81)), false);
    check(tcp(2, (SERVER, 80), (ELSEWHERE, 4000)), false);
    check(tcp(1, (CLIENT, 4000), (ELSEWHERE, 80)), false);
    // The other way round it is another edge, and so is what is said in no container.
    check(tcp(2, (SERVER, 4000), (CLIENT, 80)), false);
    check(tcp(9, (CLIENT, 4000), (SERVER, 80)), false);
    // Who comes through the host may be the client.
    check(tcp(2, (SERVER, 80), (HOST, 4000)), true);
    let datagram = Channel::Inet {
        tcp: false,
        local: SocketAddr::new(CLIENT.parse().unwrap(), 4000),
        remote: Some(SocketAddr::new(SERVER.parse().unwrap(), 80)),
    };
    check(talk(1, datagram.clone()), false);
    assert!(talk(1, datagram).is_of(&edge("a", "b", Listener::Udp(80)), &nowhere()));
}

#[test]
fn behind_a_published_port_the_client_is_known_by_where_it_asked() {
    let http = edge("a", "b", Listener::Tcp(80));
    let aliases = Aliases {
        server: [SocketAddr::new(HOST.parse().unwrap(), 8080)].into(),
        client: ["198.51.100.1".parse().unwrap()].into(),
    };
    let check = |talk: Talk, is: bool| assert_eq!(talk.is_of(&http, &aliases), is, "{talk:?}");
    check(tcp(1, (CLIENT, 4000), (HOST, 8080)), true);
    check(tcp(2, (SERVER, 80), (HOST, 4000)), true);
    check(tcp(2, (SERVER, 80), ("198.51.100.1", 4000)), true);
    check(tcp(2, (SERVER, 80), (ELSEWHERE, 4000)), false);
    check(tcp(1, (CLIENT, 4000), (SERVER, 80)), true);
    // Another port of the host's leads to others, and others may ask there too.
    check(tcp(1, (CLIENT, 4000), (HOST, 8081)), false);
    check(tcp(2, (SERVER, 4000), (HOST, 8080)), false);
    let (a, b) = ("a".repeat(64), "b".repeat(64));
    assert_eq!(
        filter(&http, &aliases).unwrap().to_string(),
        format!("fd.proto = tcp and fd.port in (80, 8080) and container.id in ({a}, {b})")
    );
}

#[test]
fn ends_may_be_elsewhere_or_processes_of_the_host() {
    let outside = edge("a", "external:192.0.2.7", Listener::Tcp(443));
    assert!(tcp(1, (CLIENT, 4000), (ELSEWHERE, 443)).is_of(&outside, &nowhere()));
    assert!(!tcp(1, (CLIENT, 4000), ("192.0.2.8", 443)).is_of(&outside, &nowhere()));
    let process = edge("process:curl", "b", Listener::Tcp(80));
    assert!(tcp(9, (HOST, 4000), (SERVER, 80)).is_of(&process, &nowhere()));
    assert!(tcp(2, (SERVER, 80), (HOST, 4000)).is_of(&process, &nowhere()));
    let other = edge("process:wget", "b", Listener::Tcp(80));
    assert!(!tcp(9, (HOST, 4000), (SERVER, 80)).is_of(&other, &nowhere()));
    let unix = |path: &str| Channel::Unix {
        path: Some(path.to_owned()),
        peer: None,
    };
    let socket = edge("a", "b", Listener::Unix("/run/db.sock".into()));
    assert!(talk(1, unix("/run/db.sock")).is_of(&socket, &nowhere()));
    assert!(talk(2, unix("/run/db.sock")).is_of(&socket, &nowhere()));
    assert!(!talk(1, unix("/run/other.sock")).is_of(&socket, &nowhere()));
    assert!(!talk(9, unix("/run/db.sock")).is_of(&socket, &nowhere()));
}

#[test]
fn the_kernel_is_asked_for_no_more_than_it_takes() {
    let check = |edge: EdgeKey, expected: &str| {
        assert_eq!(filter(&edge, &nowhere()).unwrap().to_string(), expected);
    };
    let (a, b) = ("a".repeat(64), "b".repeat(64));
    check(
        edge("a", "b", Listener::Tcp(80)),
        &format!("fd.proto = tcp and fd.port = 80 and container.id in ({a}, {b})"),
    );
    check(
        edge("a", "external:192.0.2.7", Listener::Udp(53)),
        &format!("fd.proto = udp and fd.port = 53 and container.id in ({a})"),
    );
    check(
        edge("process:curl", "b", Listener::Tcp(80)),
        "fd.proto = tcp and fd.port = 80",
    );
    check(
        edge("host:here", "process:db", Listener::Unix("/run/x".into())),
        "fd.proto = unix",
    );
    check(
        edge("container:web", "external:192.0.2.7", Listener::Udp(53)),
        "fd.proto = udp and fd.port = 53",
    );
    assert_eq!(filter(&edge("a", "b", Listener::Other), &nowhere()), None);
}
