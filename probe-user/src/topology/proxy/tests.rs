use std::collections::BTreeMap;

use super::*;
use crate::{
    identity::{Container, ContainerId, Forward, Runtime},
    ids::{CgroupId, Pid},
    kernel::flows::{FlowDelta, FlowNews, Role},
    topology::{
        Graph, Ledger, Node,
        join::join,
        sample::flows::{counts, delta, flow, with_peer},
    },
};

const SERVER: &str = "172.17.0.2";
const NEXT: &str = "172.17.0.3";

/// Proxies by pid; all cgroups but the first are containers'.
#[derive(Default)]
struct World {
    proxies: BTreeMap<u32, Forward>,
}

fn container(name: &str) -> Workload {
    let mut container = Container::new(ContainerId::new(name), Runtime::Docker);
    container.name = Some(name.to_owned());
    Workload::Container(Arc::new(container))
}

impl Workloads for World {
    fn in_cgroup(&self, cgroup: CgroupId, command: &str) -> Workload {
        match cgroup {
            CgroupId(1) => Workload::Process(command.into()),
            CgroupId(number) => container(&format!("c{number}")),
        }
    }

    fn at(&self, address: IpAddr) -> Workload {
        match address.to_string().as_str() {
            SERVER => container("c2"),
            NEXT => container("c3"),
            _ => Workload::External(address),
        }
    }

    fn version(&self) -> u64 {
        0
    }

    fn forward(&self, pid: Pid, port: u16) -> Option<Forward> {
        let forward = self.proxies.get(&pid.0).copied();
        forward.filter(|forward| forward.listens == port)
    }
}

/// A world with a proxy of each of these pids and ports, to the server's port 80.
fn proxies(all: &[(u32, u16)]) -> World {
    let proxy = |(pid, listens): &(u32, u16)| {
        let forward = Forward {
            listens: *listens,
            address: SERVER.parse().unwrap(),
            port: 80,
        };
        (*pid, forward)
    };
    World {
        proxies: all.iter().map(proxy).collect(),
    }
}

fn by(cgroup: u64, flow: Flow) -> Flow {
    Flow {
        cgroup: CgroupId(cgroup),
        ..flow
    }
}

/// A client outside, the proxy on `port`, and so many connections.
fn front(id: u64, pid: u32, port: u16, opened: u64) -> FlowDelta {
    let flow = flow(proxy::COMMAND, Role::Server, "10.0.0.1", "192.0.2.7", port);
    FlowDelta {
        pid: Some(Pid(pid)),
        ..delta(id, &flow, counts(opened, 100 * opened, 10 * opened))
    }
}

/// The proxies' connections to the server, and the server's end of them.
fn back(id: u64, opened: u64) -> [FlowDelta; 2] {
    let client = flow(proxy::COMMAND, Role::Client, "172.17.0.1", SERVER, 80);
    let server = by(2, flow("nginx", Role::Server, SERVER, "172.17.0.1", 80));
    [
        delta(id, &client, counts(opened, 10 * opened, 100 * opened)),
        delta(
            id + 1,
            &with_peer(server, id),
            counts(opened, 100 * opened, 10 * opened),
        ),
    ]
}

/// Edges as `source target port opened failed sent received join`.
fn edges(world: &World, deltas: Vec<FlowDelta>) -> Vec<String> {
    edges_of(world, vec![deltas])
}

fn edges_of(world: &World, ticks: Vec<Vec<FlowDelta>>) -> Vec<String> {
    let mut ledger = Ledger::new(100);
    for deltas in ticks {
        let news = FlowNews {
            deltas,
            ..FlowNews::default()
        };
        ledger.apply(news, world);
    }
    let folded = fold(join(&ledger, world), world);
    let graph = Graph::of(&folded, "here");
    let line = |(source, target, edge): (&Node, &Node, &crate::topology::Edge)| {
        let Counts {
            opened,
            failed,
            bytes_sent,
            bytes_received,
            ..
        } = edge.counts;
        let (port, join) = (&edge.listener, edge.join().as_str());
        format!(
            "{} {} {port} {opened} {failed} {bytes_sent} {bytes_received} {join}",
            source.name, target.name
        )
    };
    graph.edges().map(line).collect()
}

#[test]
fn two_edges_with_the_same_bytes_are_one() {
    let world = proxies(&[(7, 8080)]);
    let deltas = [vec![front(1, 7, 8080, 5)], back(2, 5).to_vec()].concat();
    assert_eq!(edges(&world, deltas), ["192.0.2.7 c2 80 5 0 50 500 proxy"]);
}

#[test]
fn a_line_that_cannot_be_read_leaves_the_hops() {
    let hops = [
        "192.0.2.7 docker-proxy 8080 5 0 50 500 one-sided",
        "docker-proxy c2 80 5 0 50 500 sequence",
    ];
    let deltas = || [vec![front(1, 7, 8080, 5)], back(2, 5).to_vec()].concat();
    assert_eq!(edges(&World::default(), deltas()), hops);
    // A pid that is another's by now.
    assert_eq!(edges(&proxies(&[(7, 9090)]), deltas()), hops);
}

#[test]
fn several_proxies_of_one_server_fold_each() {
    let world = proxies(&[(7, 8080), (8, 8081)]);
    let fronts = vec![front(1, 7, 8080, 5), front(2, 8, 8081, 3)];
    let deltas = [fronts, back(3, 8).to_vec()].concat();
    assert_eq!(edges(&world, deltas), ["192.0.2.7 c2 80 8 0 80 800 proxy"]);
}

#[test]
fn what_an_unreadable_one_carried_stays() {
    let world = proxies(&[(7, 8080)]);
    let fronts = vec![front(1, 7, 8080, 5), front(2, 8, 8081, 3)];
    let deltas = [fronts, back(3, 8).to_vec()].concat();
    assert_eq!(
        edges(&world, deltas),
        [
            "192.0.2.7 c2 80 5 0 50 500 proxy",
            "192.0.2.7 docker-proxy 8081 3 0 30 300 one-sided",
            "docker-proxy c2 80 3 0 30 300 sequence",
        ]
    );
}

#[test]
fn connects_that_failed_behind_the_proxy_are_seen_at_the_proxy() {
    let world = proxies(&[(7, 8080)]);
    let client = flow(proxy::COMMAND, Role::Client, "172.17.0.1", SERVER, 80);
    let failed = Counts {
        failed: 5,
        ..Counts::default()
    };
    let deltas = vec![front(1, 7, 8080, 5), delta(2, &client, failed)];
    assert_eq!(
        edges(&world, deltas),
        [
            "192.0.2.7 c2 80 5 0 50 500 proxy",
            "docker-proxy c2 80 0 5 0 0 tuple",
        ]
    );
}

#[test]
fn before_it_has_connected_the_address_tells_the_server() {
    let world = proxies(&[(7, 8080)]);
    let only = vec![front(1, 7, 8080, 1)];
    assert_eq!(edges(&world, only), ["192.0.2.7 c2 80 1 0 10 100 proxy"]);
}

#[test]
fn two_containers_at_one_address_one_after_the_other_are_not_told_apart() {
    let world = proxies(&[(7, 8080)]);
    let next = by(3, flow("nginx", Role::Server, SERVER, "172.17.0.1", 80));
    let next = delta(9, &with_peer(next, 2), counts(2, 200, 20));
    let mut deltas = [vec![front(1, 7, 8080, 5)], back(2, 3).to_vec()].concat();
    deltas.push(next);
    let edges = edges(&world, deltas);
    assert_eq!(edges.len(), 3, "{edges:?}");
    assert!(edges.iter().all(|edge| edge.contains("docker-proxy")));
}

#[test]
fn a_port_that_passes_to_another_container_is_that_ones_from_then_on() {
    let mut world = proxies(&[(7, 8080), (8, 8080)]);
    let next = world.proxies.get_mut(&8).unwrap();
    next.address = NEXT.parse().unwrap();
    let ticks = vec![
        vec![front(1, 7, 8080, 5)],
        // Its process is gone before its last bytes are told.
        vec![front(1, 9, 8080, 1)],
        vec![front(1, 8, 8080, 3)],
        vec![front(1, 8, 8080, 3)],
    ];
    assert_eq!(
        edges_of(&world, ticks),
        [
            "192.0.2.7 c2 80 6 0 60 600 proxy",
            "192.0.2.7 c3 80 6 0 60 600 proxy",
        ]
    );
}

#[test]
fn in_a_container_it_is_a_program_like_any_other() {
    let world = proxies(&[(7, 8080)]);
    let front = FlowDelta {
        flow: Arc::new(by(5, Flow::clone(&front(1, 7, 8080, 5).flow))),
        ..front(1, 7, 8080, 5)
    };
    let edges = edges(&world, vec![front]);
    assert_eq!(edges, ["192.0.2.7 c5 8080 5 0 50 500 one-sided"]);
}
