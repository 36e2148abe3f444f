//! Joining, on flows made by hand.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use super::{
    Graph, Join, Ledger,
    backlog::{Overflows, backlogs},
    join::join,
    sample::flows::{counts, delta, flow, with_peer},
};
use crate::{
    identity::{Workload, Workloads},
    ids::{CgroupId, FlowId, NetNs},
    kernel::{
        flows::{Counts, Flow, FlowDelta, FlowNews, Health, Role},
        halves::Halves,
    },
};

/// Commands name the workloads; one address is the host's.
#[derive(Default)]
struct World {
    version: AtomicU64,
}

const HOST: &str = "10.0.0.1";

impl Workloads for World {
    fn in_cgroup(&self, _: CgroupId, command: &str) -> Workload {
        Workload::Process(command.into())
    }

    fn at(&self, address: IpAddr) -> Workload {
        if address == HOST.parse::<IpAddr>().unwrap() {
            Workload::Host
        } else {
            Workload::External(address)
        }
    }

    fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }
}

fn ledger(ticks: &[&[FlowDelta]]) -> Ledger {
    let mut ledger = Ledger::new(100);
    for tick in ticks {
        let news = FlowNews {
            deltas: tick.to_vec(),
            ..FlowNews::default()
        };
        ledger.apply(news, &World::default());
    }
    ledger
}

/// Edges as `source target port opened sent received join`.
fn edges(ledger: &Ledger) -> Vec<String> {
    let graph = Graph::of(&join(ledger, &World::default()), "here");
    let line = |(source, target, edge): (&super::Node, &super::Node, &super::Edge)| {
        let Counts {
            opened,
            bytes_sent,
            bytes_received,
            ..
        } = edge.counts;
        let (port, join) = (&edge.listener, edge.join().as_str());
        format!(
            "{} {} {port} {opened} {bytes_sent} {bytes_received} {join}",
            source.id, target.id
        )
    };
    graph.edges().map(line).collect()
}

#[test]
fn two_ends_are_one_edge_also_through_nat() {
    let client = flow("curl", Role::Client, "172.17.0.2", "192.0.2.1", 8080);
    let server = flow("nginx", Role::Server, "172.17.0.3", "172.17.0.1", 80);
    let server = with_peer(server, 1);
    let ledger = ledger(&[&[
        delta(2, &server, counts(10, 1000, 100)),
        delta(1, &client, counts(10, 100, 1000)),
    ]]);
    assert_eq!(
        edges(&ledger),
        ["process:curl process:nginx 80 10 100 1000 sequence"]
    );
}

#[test]
fn backends_behind_one_address_get_their_own_share_and_nothing_is_lost() {
    let client = flow("curl", Role::Client, "172.17.0.2", "10.96.0.1", 80);
    let first = flow("a", Role::Server, "172.17.0.3", "172.17.0.2", 8080);
    let second = flow("b", Role::Server, "172.17.0.4", "172.17.0.2", 8080);
    let ledger = ledger(&[&[
        // One connection is accepted by nobody yet.
        delta(1, &client, counts(11, 110, 1100)),
        delta(2, &with_peer(first, 1), counts(7, 700, 70)),
        delta(3, &with_peer(second, 1), counts(3, 300, 30)),
    ]]);
    assert_eq!(
        edges(&ledger),
        [
            "process:curl process:a 8080 8 80 800 sequence",
            "process:curl process:b 8080 3 30 300 sequence",
        ]
    );
}

#[test]
fn without_sequence_numbers_addresses_join() {
    let client = flow("curl", Role::Client, "172.17.0.2", "172.17.0.3", 80);
    let server = flow("nginx", Role::Server, "172.17.0.3", "172.17.0.2", 80);
    let other = flow("nginx", Role::Server, "172.17.0.3", "172.17.0.9", 80);
    let ledger = ledger(&[&[
        delta(1, &client, counts(2, 20, 200)),
        delta(2, &server, counts(2, 200, 20)),
        delta(3, &other, counts(1, 100, 10)),
    ]]);
    assert_eq!(
        edges(&ledger),
        [
            "external:172.17.0.9 process:nginx 80 1 10 100 one-sided",
            "process:curl process:nginx 80 2 20 200 tuple",
        ]
    );
}

#[test]
fn loopback_means_its_own_network_namespace() {
    let client = flow("curl", Role::Client, "127.0.0.1", "127.0.0.1", 80);
    let server = Flow {
        netns: NetNs(2),
        ..flow("nginx", Role::Server, "127.0.0.1", "127.0.0.1", 80)
    };
    let ledger = ledger(&[&[
        delta(1, &client, counts(1, 1, 1)),
        delta(2, &server, counts(1, 1, 1)),
    ]]);
    let edges = edges(&ledger);
    assert_eq!(edges.len(), 2, "{edges:?}");
}

#[test]
fn a_failed_connect_is_an_edge_to_whoever_owns_the_address() {
    let failed = Counts {
        failed: 3,
        ..Counts::default()
    };
    let here = flow("curl", Role::Client, "10.0.0.1", HOST, 81);
    let there = flow("curl", Role::Client, "10.0.0.1", "192.0.2.9", 81);
    let ledger = ledger(&[&[delta(1, &here, failed), delta(2, &there, failed)]]);
    assert_eq!(
        edges(&ledger),
        [
            "process:curl external:192.0.2.9 81 0 0 0 one-sided",
            "process:curl host:here 81 0 0 0 tuple",
        ]
    );
}

#[test]
fn a_flow_that_returns_under_another_id_keeps_its_row() {
    let client = flow("curl", Role::Client, "172.17.0.2", "172.17.0.3", 80);
    let server = flow("nginx", Role::Server, "172.17.0.3", "172.17.0.2", 80);
    let ledger = ledger(&[
        &[
            delta(1, &client, counts(1, 1, 2)),
            delta(2, &with_peer(server.clone(), 1), counts(1, 2, 1)),
        ],
        &[
            delta(8, &client, counts(4, 4, 8)),
            delta(9, &with_peer(server, 8), counts(4, 8, 4)),
        ],
    ]);
    assert_eq!(
        edges(&ledger),
        ["process:curl process:nginx 80 5 5 10 sequence"]
    );
}

#[test]
fn a_server_heard_of_before_its_client_waits_for_it() {
    let client = flow("curl", Role::Client, "172.17.0.2", "172.17.0.3", 80);
    let server = flow("nginx", Role::Server, "172.17.0.3", "172.17.0.2", 80);
    let server = with_peer(server, 1);
    let ledger = ledger(&[
        &[delta(2, &server, counts(1, 2, 1))],
        &[delta(1, &client, counts(1, 1, 2))],
    ]);
    assert_eq!(
        edges(&ledger),
        ["process:curl process:nginx 80 1 1 2 sequence"]
    );
}

#[test]
fn what_does_not_fit_is_counted_and_counts_for_the_rest() {
    let mut ledger = Ledger::new(1);
    let flows = [1, 2].map(|port| flow("curl", Role::Client, "10.0.0.2", "10.0.0.3", port));
    let news = FlowNews {
        deltas: vec![
            delta(1, &flows[0], counts(1, 2, 3)),
            delta(2, &flows[1], counts(4, 5, 6)),
        ],
        ..FlowNews::default()
    };
    ledger.apply(news, &World::default());
    assert_eq!(ledger.refused(), 1);
    assert_eq!(
        edges(&ledger),
        [
            "process: external:unknown * 4 5 6 one-sided",
            "process:curl external:10.0.0.3 1 1 2 3 one-sided",
        ]
    );
}

#[test]
fn the_edge_shows_the_evidence_of_most_of_its_connections() {
    let edge = |joins: &[(Join, u64)]| {
        super::Edge {
            joins: joins.iter().copied().collect(),
            ..super::Edge::new(super::Listener::Tcp(80))
        }
        .join()
    };
    assert_eq!(edge(&[(Join::Sequence, 2), (Join::Tuple, 9)]), Join::Tuple);
    assert_eq!(
        edge(&[(Join::Sequence, 2), (Join::Tuple, 2)]),
        Join::Sequence
    );
    assert_eq!(edge(&[]), Join::OneSided);
}

#[test]
fn a_window_forgets_and_idle_nodes_leave() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let old = flow("old", Role::Client, "10.0.0.2", "192.0.2.1", 80);
    let busy = flow("busy", Role::Client, "10.0.0.2", "192.0.2.1", 80);
    let tick = |ledger: &mut Ledger, second, flows: &[(u64, &Flow)]| {
        ledger.advance(at(second));
        let deltas = flows
            .iter()
            .map(|(id, flow)| delta(*id, flow, counts(1, 1, 1)));
        let news = FlowNews {
            deltas: deltas.collect(),
            ..FlowNews::default()
        };
        ledger.apply(news, &World::default());
    };
    let run = |window, fade| {
        let mut ledger = Ledger::new(10).showing(window, fade);
        tick(&mut ledger, 0, &[(1, &old), (2, &busy)]);
        let mut seen = vec![edges(&ledger)];
        for second in 1..=20 {
            tick(&mut ledger, second, &[(2, &busy)]);
            seen.push(edges(&ledger));
        }
        seen
    };
    let line = |who: &str, opened: u64| {
        format!("process:{who} external:192.0.2.1 80 {opened} {opened} {opened} one-sided")
    };
    let all = run(None, None);
    assert_eq!(all[20], [line("busy", 21), line("old", 1)]);
    let window = run(Some(Duration::from_secs(5)), None);
    assert_eq!(window[4], [line("busy", 5), line("old", 1)]);
    assert_eq!(window[5], [line("busy", 5)]);
    assert_eq!(window[20], [line("busy", 5)]);
    let fade = run(None, Some(Duration::from_secs(10)));
    assert_eq!(fade[10], [line("busy", 11), line("old", 1)]);
    assert_eq!(fade[11], [line("busy", 12)]);
    // Who comes back has all it had.
    let mut ledger = Ledger::new(10).showing(None, Some(Duration::from_secs(10)));
    tick(&mut ledger, 0, &[(1, &old)]);
    tick(&mut ledger, 20, &[]);
    assert!(edges(&ledger).is_empty());
    tick(&mut ledger, 21, &[(1, &old)]);
    assert_eq!(edges(&ledger), [line("old", 2)]);
}

#[test]
fn commands_of_a_container_are_nodes_if_one_wants() {
    use super::{Lens, Node, NodeId};
    use crate::identity::{Container, ContainerId, Runtime};
    use std::sync::Arc;

    let container = Container::new(ContainerId::new(&"a".repeat(64)), Runtime::Docker);
    let web = Workload::Container(Arc::new(container));
    let end = |command: &str, role| {
        Some(Arc::new(flow(
            command,
            role,
            "172.17.0.2",
            "172.17.0.2",
            80,
        )))
    };
    let conversation = |command: &str| super::join::Conversation {
        source: web.clone(),
        target: web.clone(),
        listener: super::Listener::Tcp(80),
        asked: None,
        reached: None,
        counts: counts(1, 1, 1),
        halves: Halves::default(),
        name: None,
        join: Join::Sequence,
        client: end(command, Role::Client),
        server: end("nginx", Role::Server),
        forward: None,
        idle: false,
    };
    let conversations = ["curl", "wget", ""].map(conversation);
    let lens = Lens {
        processes: true,
        ..Lens::from("here")
    };
    let graph = Graph::of(&conversations, lens);
    let ids: Vec<_> = graph.nodes().map(|node| node.id.to_string()).collect();
    let id = "a".repeat(64);
    let process = |command: &str| format!("process:{id}/{command}");
    assert_eq!(
        ids,
        [
            format!("container:{id}"),
            process("curl"),
            process("nginx"),
            process("wget"),
        ]
    );
    let nginx = graph.node(&NodeId::new(&process("nginx"))).map(Node::name);
    assert_eq!(nginx, Some("aaaaaaaaaaaa/nginx"));
    assert_eq!(Graph::of(&conversations, "here").nodes().count(), 1);
}

#[test]
fn what_a_flow_has_kept_outlives_it() {
    let mut ledger = Ledger::new(10);
    let client = flow("curl", Role::Client, "10.0.0.2", "192.0.2.1", 80);
    let kept = |number| vec![(FlowId(1), Halves::of([number]))];
    let news = FlowNews {
        deltas: vec![delta(1, &client, counts(2, 3, 4))],
        ..FlowNews::default()
    };
    ledger.apply(news, &World::default());
    ledger.keep(kept(7));
    let news = FlowNews {
        retired: vec![FlowId(1)],
        halves: kept(8),
        ..FlowNews::default()
    };
    ledger.apply(news, &World::default());
    let graph = Graph::of(&join(&ledger, &World::default()), "here");
    let halves: Vec<_> = graph
        .edges()
        .map(|(_, _, edge)| edge.halves.clone())
        .collect();
    assert_eq!(halves, [Halves::of([7, 8])]);
}

#[test]
fn who_turns_connections_away_is_a_node_even_without_edges() {
    let listener = |command, port| flow(command, Role::Listener, "172.17.0.3", "0.0.0.0", port);
    let full = |overflows| Counts {
        health: Health {
            overflows,
            ..Health::default()
        },
        ..Counts::default()
    };
    let (web, quiet) = (listener("nginx", 80), listener("redis", 6379));
    let ledger = ledger(&[
        &[delta(1, &web, full(2)), delta(2, &quiet, full(0))],
        &[
            delta(1, &web, full(3)),
            delta(3, &listener("nginx", 81), full(1)),
        ],
    ]);
    let conversations = join(&ledger, &World::default());
    let graph = Graph::with_backlogs(&conversations, &backlogs(&ledger), "here");
    let nodes: Vec<_> = graph.nodes().collect();
    let [node] = nodes[..] else {
        panic!("{nodes:?}")
    };
    assert_eq!(node.name(), "nginx");
    assert_eq!(node.overflows, Overflows::from([(80, 5), (81, 1)]));
}
