use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::merge;
use crate::{
    kernel::{flows::Counts, halves::Halves},
    topology::{
        Edge, EdgeKey, Gap, Graph, Join, Kind, Listener, Node, Snapshot,
        sample::{self, container, external},
    },
};

/// One connection, as the world made it: to which of the services, answered by which server.
#[derive(Clone, Copy, Debug)]
struct Made {
    client: usize,
    service: usize,
    server: usize,
    number: u64,
    /// Whether the client's host saw it, and the server's.
    seen: (bool, bool),
}

/// Edges by the names of their ends.
type Edges = BTreeMap<(String, String), (Counts, BTreeMap<Join, u64>)>;

/// An edge that is to be there: its ends, how many connections, and what they rest on.
type Expected<'a> = (&'a str, &'a str, u64, &'a [(Join, u64)]);

const OWN_PORT: u16 = 80;

fn client(index: usize) -> Node {
    container(
        char::from(b'a' + u8::try_from(index).unwrap()),
        &format!("client-{index}"),
        &["bridge"],
        "172.17.0.2",
    )
}

fn server(index: usize) -> Node {
    container(
        char::from_u32(0x100 + u32::try_from(index).unwrap()).unwrap(),
        &format!("server-{index}"),
        &["bridge"],
        "172.17.0.2",
    )
}

/// A service's address is nobody's, nor is that which the router puts in every client's place.
fn service(index: usize) -> Node {
    external(&format!("198.51.100.{index}"))
}

fn router() -> Node {
    external("203.0.113.1")
}

fn counts(made: &Made) -> Counts {
    Counts {
        opened: 1,
        closed: 1,
        bytes_sent: made.number % 1000,
        bytes_received: made.number % 7,
        ..Counts::default()
    }
}

/// A host that saw these connections, each between two nodes on a port.
fn host<'a>(name: &str, seen: impl Iterator<Item = (Node, Node, u16, &'a Made)>) -> Snapshot {
    let mut nodes = BTreeMap::new();
    let mut edges: BTreeMap<EdgeKey, (Counts, Vec<u64>)> = BTreeMap::new();
    for (source, target, port, made) in seen {
        let key = EdgeKey {
            source: source.id.clone(),
            target: target.id.clone(),
            listener: Listener::Tcp(port),
        };
        for node in [source, target] {
            nodes.insert(node.id.clone(), node);
        }
        let (sum, numbers) = edges.entry(key).or_default();
        *sum += counts(made);
        numbers.push(made.number);
    }
    let edges = edges.into_iter().map(|(key, (counts, numbers))| {
        let edge = Edge {
            counts,
            joins: [(Join::OneSided, counts.opened)].into(),
            halves: Halves::of(numbers),
            ..Edge::new(key.listener)
        };
        (key.source, key.target, edge)
    });
    let graph = Graph::with_edges(nodes.into_values().collect(), edges).unwrap();
    Snapshot {
        graph: graph.into(),
        ..sample::snapshot(name, "", Vec::new(), Vec::new())
    }
}

fn hosts(world: &[Made]) -> [Snapshot; 2] {
    let of_client = world.iter().filter(|made| made.seen.0).map(|made| {
        let port = 8000 + u16::try_from(made.service).unwrap();
        (client(made.client), service(made.service), port, made)
    });
    let of_server = world
        .iter()
        .filter(|made| made.seen.1)
        .map(|made| (router(), server(made.server), OWN_PORT, made));
    [host("a", of_client), host("b", of_server)]
}

/// Edges by the names of their ends, every port of an external target added up.
fn merged(world: &[Made]) -> Edges {
    let merged = merge(&hosts(world)).unwrap();
    let mut edges = Edges::new();
    for (source, target, edge) in merged.graph.edges() {
        if target.kind == Kind::Container {
            assert_eq!(edge.listener, Listener::Tcp(OWN_PORT));
        }
        let sum = edges
            .entry((source.name.clone(), target.name.clone()))
            .or_default();
        sum.0 += edge.counts;
        for (join, connections) in &edge.joins {
            *sum.1.entry(*join).or_default() += connections;
        }
    }
    edges
}

fn between(world: &[Made], client: usize, server: usize) -> Counts {
    let both = |made: &&Made| (made.client, made.server) == (client, server);
    let mut sum = Counts::default();
    for made in world.iter().filter(both) {
        sum += counts(made);
    }
    sum
}

/// Connections to whoever's name begins so: to a service whose server was not found, both ends have
/// each its edge.
fn opened(edges: &Edges, target: &str) -> u64 {
    let to = edges
        .iter()
        .filter(|((_, name), _)| name.starts_with(target));
    to.map(|(_, (counts, _))| counts.opened).sum()
}

fn pair(client: usize, server: usize) -> (String, String) {
    (format!("client-{client}"), format!("server-{server}"))
}

/// So many connections of each client to the service, each answered by the next of its servers.
fn world(connections: usize, to: &[(usize, usize, &[usize])]) -> Vec<Made> {
    let mut world = Vec::new();
    for (client, service, servers) in to {
        for index in 0..connections {
            let number = (world.len() as u64 + 1).wrapping_mul(0x0123_4567_89ab_cdef);
            world.push(Made {
                client: *client,
                service: *service,
                server: servers[index % servers.len()],
                number,
                seen: (true, true),
            });
        }
    }
    world
}

/// That these edges are all there are, each as many connections by which evidence.
#[track_caller]
fn check(world: &[Made], expected: &[Expected<'_>]) {
    let edges: Vec<_> = merged(world)
        .into_iter()
        .map(|((source, target), (counts, joins))| (source, target, counts.opened, joins))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(source, target, opened, joins)| {
            let joins: BTreeMap<_, _> = joins.iter().copied().collect();
            ((*source).to_owned(), (*target).to_owned(), *opened, joins)
        })
        .collect();
    assert_eq!(edges, expected);
}

#[test]
fn a_port_that_changed_and_a_client_that_was_masqueraded() {
    check(
        &world(1000, &[(0, 0, &[0])]),
        &[("client-0", "server-0", 1000, &[(Join::Sequence, 1000)])],
    );
}

#[test]
fn several_clients_behind_one_address_keep_their_own_figures() {
    check(
        &world(500, &[(0, 0, &[0]), (1, 0, &[0]), (2, 1, &[0])]),
        &[
            ("client-0", "server-0", 500, &[(Join::Sequence, 500)]),
            ("client-1", "server-0", 500, &[(Join::Sequence, 500)]),
            ("client-2", "server-0", 500, &[(Join::Sequence, 500)]),
        ],
    );
}

#[test]
fn several_servers_behind_one_address_have_their_own_share() {
    check(
        &world(900, &[(0, 0, &[0, 1, 2])]),
        &[
            ("client-0", "server-0", 300, &[(Join::Sequence, 300)]),
            ("client-0", "server-1", 300, &[(Join::Sequence, 300)]),
            ("client-0", "server-2", 300, &[(Join::Sequence, 300)]),
        ],
    );
}

#[test]
fn a_server_on_a_host_that_is_not_there_keeps_its_share_outside() {
    let mut world = world(900, &[(0, 0, &[0, 1])]);
    for made in world.iter_mut().filter(|made| made.server == 1) {
        made.seen.1 = false;
    }
    check(
        &world,
        &[
            ("client-0", "198.51.100.0", 450, &[(Join::OneSided, 450)]),
            ("client-0", "server-0", 450, &[(Join::Sequence, 450)]),
        ],
    );
}

#[test]
fn what_only_the_server_saw_stays_from_outside() {
    let mut world = world(300, &[(0, 0, &[0]), (1, 0, &[0])]);
    for made in world.iter_mut().filter(|made| made.client == 1) {
        made.seen.0 = false;
    }
    check(
        &world,
        &[
            ("203.0.113.1", "server-0", 300, &[(Join::OneSided, 300)]),
            ("client-0", "server-0", 300, &[(Join::Sequence, 300)]),
        ],
    );
}

#[test]
fn several_of_each_that_share_all_are_not_told_apart() {
    check(
        &world(200, &[(0, 0, &[0, 1]), (1, 0, &[0, 1])]),
        &[
            ("203.0.113.1", "server-0", 200, &[(Join::OneSided, 200)]),
            ("203.0.113.1", "server-1", 200, &[(Join::OneSided, 200)]),
            ("client-0", "198.51.100.0", 200, &[(Join::OneSided, 200)]),
            ("client-1", "198.51.100.0", 200, &[(Join::OneSided, 200)]),
        ],
    );
}

#[test]
fn a_proxy_that_was_folded_stays_the_evidence() {
    let [a, mut b] = hosts(&world(10, &[(0, 0, &[0])]));
    let edges = b.graph.keyed_edges().map(|(key, edge)| {
        let edge = Edge {
            joins: [(Join::Proxy, edge.counts.opened)].into(),
            ..edge.clone()
        };
        (key.source, key.target, edge)
    });
    let graph = Graph::with_edges(
        b.graph.nodes().cloned().collect(),
        edges.collect::<Vec<_>>(),
    );
    b.graph = graph.unwrap().into();
    let merged = merge(&[a, b]).unwrap();
    let joins: Vec<_> = merged
        .graph
        .edges()
        .map(|(_, _, edge)| edge.join())
        .collect();
    assert_eq!(joins, [Join::Proxy]);
}

#[test]
fn a_tied_edge_lacks_what_its_figures_lack_and_both_ends_names() {
    let [a, b] = hosts(&world(10, &[(0, 0, &[0])]));
    let with = |snapshot, gaps: &[Gap]| sample::with_gaps(snapshot, gaps.iter().copied().collect());
    let merged = merge(&[with(a, &[Gap::Ecs]), with(b, &[Gap::Identity, Gap::Calls])]);
    let merged = merged.unwrap();
    let gaps: Vec<_> = merged
        .graph
        .edges()
        .map(|(.., e)| e.gaps.to_string())
        .collect();
    assert_eq!(gaps, ["identity ecs"]);
}

/// Connections of any client to any service; which servers may answer it is `servers`' word.
fn connections(
    servers: impl Fn(usize, usize, usize) -> usize + Copy + 'static,
    seen: impl Strategy<Value = bool> + Clone + 'static,
) -> impl Strategy<Value = Vec<Made>> {
    let one = (
        0..4_usize,
        0..4_usize,
        0..3_usize,
        1..u64::MAX,
        (seen.clone(), seen),
    );
    let made = one.prop_map(move |(client, service, pick, number, seen)| Made {
        client,
        service,
        server: servers(client, service, pick),
        number,
        seen,
    });
    prop::collection::vec(made, 0..200)
}

proptest! {
    #[test]
    fn no_edge_is_invented_and_none_is_missed(
        world in connections(|_, _, pick| pick, prop::bool::weighted(0.8)),
    ) {
        let edges = merged(&world);
        for (source, target) in edges.keys() {
            let real = world.iter().any(|made| pair(made.client, made.server) == (source.clone(), target.clone()));
            let outside = [source, target].iter().any(|name| !name.contains('-'));
            prop_assert!(real || outside, "{} {}", source, target);
        }
        // Who has a kept connection in common, as far as figures can be told apart.
        let [a, b] = hosts(&world);
        let kept = |number: u64, snapshot: &Snapshot| {
            snapshot.graph.edges().any(|(_, _, edge)| edge.halves.iter().any(|kept| kept == number))
        };
        let both: Vec<_> = world
            .iter()
            .filter(|made| kept(made.number, &a) && kept(made.number, &b))
            .collect();
        for made in &both {
            let same = |other: &&&Made| (other.client, other.service) == (made.client, made.service);
            let servers: BTreeSet<_> = both.iter().filter(same).map(|other| other.server).collect();
            let alone = |server: &usize| {
                let heard = both.iter().filter(|other| other.server == *server);
                heard.map(|other| (other.client, other.service)).collect::<BTreeSet<_>>().len() == 1
            };
            if servers.len() == 1 || servers.iter().all(alone) {
                prop_assert!(edges.contains_key(&pair(made.client, made.server)), "{:?}", made);
            }
        }
    }

    /// What a client said is there once, whatever became of it.
    #[test]
    fn nothing_of_a_clients_is_doubled_or_lost(
        world in connections(|_, _, pick| pick, Just(true)),
    ) {
        let edges = merged(&world);
        for client in 0..4 {
            let mut said = Counts::default();
            world.iter().filter(|made| made.client == client).for_each(|made| said += counts(made));
            let mut found = Counts::default();
            let name = format!("client-{client}");
            for ((source, _), (counts, _)) in &edges {
                if *source == name {
                    found += *counts;
                }
            }
            prop_assert_eq!(found, said);
        }
    }

    /// Where a service has one server, which many clients and services may share.
    #[test]
    fn every_clients_figures_are_exact(
        world in connections(|_, service, _| service % 2, Just(true)),
    ) {
        let edges = merged(&world);
        for ((source, target), (counts, _)) in &edges {
            let (Some(client), Some(server)) = (source.strip_prefix("client-"), target.strip_prefix("server-")) else {
                continue;
            };
            let truth = between(&world, client.parse().unwrap(), server.parse().unwrap());
            // By each of the services: one that has kept nothing in common stays outside.
            prop_assert!(counts.opened <= truth.opened && counts.bytes_sent <= truth.bytes_sent);
        }
        prop_assert_eq!(opened(&edges, ""), world.len() as u64 + opened(&edges, "198."));
    }

    /// Where a service has one client, and servers of its own.
    #[test]
    fn every_servers_figures_are_exact(
        world in connections(|client, service, pick| (client * 4 + service) * 3 + pick, Just(true)),
    ) {
        let edges = merged(&world);
        for made in &world {
            if let Some((counts, _)) = edges.get(&pair(made.client, made.server)) {
                prop_assert_eq!(*counts, between(&world, made.client, made.server));
            }
        }
        prop_assert_eq!(opened(&edges, ""), world.len() as u64 + opened(&edges, "198."));
    }
}
