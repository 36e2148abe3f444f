//! Graphs made by hand, for the tests of all that takes graphs.

pub(crate) mod flows;

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use super::{
    Completeness, Edge, EdgeKey, Gaps, Graph, Join, Kind, Listener, Node, NodeId, Placement, Seen,
    Snapshot, join::Conversation, placement::ServiceState,
};
use crate::{
    identity::Workload,
    ids::CgroupId,
    kernel::{
        flows::{Counts, Flow},
        halves::Halves,
        losses::Losses,
    },
};

/// Names that break what does not escape.
pub(crate) const HOSTILE: [&str; 14] = [
    "",
    "\"; drop",
    "back\\slash\\",
    "line\nfeed\r\ntab\t",
    "<b onclick=\"x\">&amp;</b>",
    "]]><!-- -->",
    "#quot; #35; %%{init: {}}%% end",
    "a,b;c|d`e`",
    "=1+1",
    "\0\u{1}\u{1b}[31m\u{7f}\u{85}",
    "\u{202e}gnp.exe \u{feff}\u{fffe}\u{ffff}",
    "日本語 \u{1f980} e\u{301}",
    "digraph { a -> b }",
    "--> n0[\"x\"]",
];

/// A conversation over TCP, whose ends were both seen.
pub(crate) fn conversation(source: Workload, target: Workload, counts: Counts) -> Conversation {
    let flow = Some(Arc::new(Flow::other(CgroupId(1))));
    Conversation {
        source,
        target,
        listener: Listener::Tcp(80),
        asked: None,
        reached: None,
        counts,
        join: Join::Tuple,
        client: flow.clone(),
        server: flow,
        forward: None,
        idle: false,
        halves: Halves::default(),
        name: None,
    }
}

pub(crate) fn container(digit: char, name: &str, networks: &[&str], address: &str) -> Node {
    Node {
        name: name.to_owned(),
        image: Some(format!("{name}:1")),
        networks: networks.iter().map(ToString::to_string).collect(),
        addresses: vec![address.parse().unwrap()],
        ..Node::plain(Kind::Container, digit.to_string().repeat(64))
    }
}

pub(crate) fn external(address: &str) -> Node {
    let workload = Workload::External(address.parse().unwrap());
    Node::of(&workload, "", "here".into())
}

/// A container of a task of cluster `prod`, and of a service if it has one.
pub(crate) fn of_task(digit: char, name: &str, task: &str, service: Option<&str>) -> Node {
    let placement = Placement {
        cluster: Some("prod".to_owned()),
        task: Some(format!(
            "arn:aws:ecs:eu-west-1:012345678910:task/prod/{task}"
        )),
        definition: Some("app:7".to_owned()),
        container: Some(name.to_owned()),
        launch: Some("EC2".to_owned()),
        cpu: Some(256),
        memory: Some(512),
        service: service.map(str::to_owned),
        state: service.map(|_| ServiceState {
            status: "ACTIVE".to_owned(),
            desired: 3,
            running: 2,
            pending: 1,
            rollout: Some("IN_PROGRESS".to_owned()),
            age: Some(90),
        }),
    };
    let address = format!("172.20.0.{}", u32::from(digit) % 256);
    Node {
        ecs: Some(placement),
        ..container(digit, name, &["ecs"], &address)
    }
}

pub(crate) fn process(name: &str) -> Node {
    Node::plain(Kind::Process, name.to_owned())
}

pub(crate) type PlainEdge = (EdgeKey, Counts, BTreeMap<Join, u64>);

/// An edge of so many connections, of 10 bytes there and 100 back each.
pub(crate) fn edge(source: &Node, target: &Node, port: u16, opened: u64, join: Join) -> PlainEdge {
    let key = EdgeKey {
        source: source.id.clone(),
        target: target.id.clone(),
        listener: Listener::Tcp(port),
    };
    let counts = Counts {
        opened,
        closed: opened,
        sends: opened,
        receives: opened,
        bytes_sent: 10 * opened,
        bytes_received: 100 * opened,
        ..Counts::default()
    };
    (key, counts, [(join, opened)].into())
}

pub(crate) fn snapshot(
    host: &str,
    address: &str,
    nodes: Vec<Node>,
    edges: Vec<PlainEdge>,
) -> Snapshot {
    Snapshot {
        seen: vec![Seen {
            host: host.to_owned(),
            addresses: address.parse().into_iter().collect(),
        }],
        started: "2026-01-02T03:04:05Z".parse().unwrap(),
        ended: "2026-01-02T03:04:15Z".parse().unwrap(),
        graph: Arc::new(Graph::new(nodes, edges).unwrap()),
        losses: Losses::default(),
        completeness: Some(Completeness {
            whole: 3,
            lost: [0, 0, 0, 1, 0, 0, 0],
            records: 2,
            ring: 0,
            undecoded: 0,
            engines_silent: 1,
        }),
    }
}

/// A shop: a proxy before a web server with a cache that calls back, a database, a lone process.
pub(crate) fn shop() -> Snapshot {
    let proxy = container('a', "proxy", &["front", "back"], "172.18.0.2");
    let web = container('b', "web", &["back"], "172.19.0.3");
    let cache = container('c', "cache", &["back"], "172.19.0.4");
    let db = container('d', "db", &["back"], "172.19.0.5");
    let shopper = external("192.0.2.7");
    let lone = process("lone");
    let mut unix = edge(&web, &db, 0, 1, Join::Peer);
    unix.1.closed = 0;
    unix.0.listener = Listener::Unix("/run/db.sock".into());
    let mut refused = edge(&web, &db, 5433, 0, Join::Tuple);
    refused.1.failed = 3;
    refused.2 = [(Join::Tuple, 3)].into();
    let edges = vec![
        edge(&shopper, &proxy, 80, 20_000, Join::OneSided),
        edge(&proxy, &web, 8080, 20_000, Join::Sequence),
        edge(&web, &cache, 6379, 500, Join::Sequence),
        edge(&cache, &web, 8080, 2, Join::Tuple),
        edge(&web, &db, 5432, 10, Join::Sequence),
        edge(&lone, &lone, 9000, 1, Join::Tuple),
        unix,
        refused,
    ];
    snapshot(
        "here",
        "10.0.0.1",
        vec![proxy, web, cache, db, shopper, lone],
        edges,
    )
}

/// The same, all edges of which lack something.
pub(crate) fn with_gaps(snapshot: Snapshot, gaps: Gaps) -> Snapshot {
    with_gaps_each(snapshot, &[gaps])
}

/// The same, the edges of which lack this, in turn.
pub(crate) fn with_gaps_each(snapshot: Snapshot, gaps: &[Gaps]) -> Snapshot {
    let edges = snapshot.graph.keyed_edges().zip(gaps.iter().cycle());
    let edges = edges.map(|((key, edge), gaps)| {
        let mut edge = Edge {
            gaps: *gaps,
            ..edge.clone()
        };
        if !edge.counts_calls() {
            (edge.counts.sends, edge.counts.receives) = (0, 0);
        }
        (key.source, key.target, edge)
    });
    let nodes = snapshot.graph.nodes().cloned().collect();
    let graph = Graph::with_edges(nodes, edges.collect::<Vec<_>>()).unwrap();
    Snapshot {
        graph: Arc::new(graph),
        ..snapshot
    }
}

/// Two services of three tasks on ECS, a one-off task, and who asks them from outside.
pub(crate) fn fleet() -> Snapshot {
    let web = of_task('1', "web", "1aaaaaaaaa", Some("web"));
    let side = of_task('2', "side", "1aaaaaaaaa", Some("web"));
    let other = of_task('3', "web", "2bbbbbbbbb", Some("web"));
    let db = of_task('4', "db", "3cccccccc", Some("db"));
    let cron = of_task('5', "cron", "4ddddddddd", None);
    let client = external("192.0.2.7");
    let metadata = external("169.254.169.254");
    let lone = process("lone");
    let edges = vec![
        edge(&client, &web, 80, 100, Join::OneSided),
        edge(&client, &other, 80, 50, Join::OneSided),
        edge(&web, &side, 9000, 7, Join::Sequence),
        edge(&web, &db, 5432, 3, Join::Sequence),
        edge(&other, &db, 5432, 4, Join::Tuple),
        edge(&other, &web, 80, 2, Join::Sequence),
        edge(&cron, &metadata, 80, 1, Join::OneSided),
        edge(&lone, &db, 5432, 1, Join::Tuple),
    ];
    let nodes = vec![web, side, other, db, cron, client, metadata, lone];
    snapshot("here", "10.0.0.1", nodes, edges)
}

/// Every hostile name as a node, a process or a container with everything hostile, each of which
/// talks to the next.
pub(crate) fn hostile(names: &[String]) -> Snapshot {
    let nodes: Vec<Node> = names
        .iter()
        .enumerate()
        .map(|(index, name)| Node {
            // Names may be alike, ids may not.
            id: NodeId::new(&format!("process:{name}{index}")),
            image: Some(name.clone()),
            labels: [(name.clone(), name.clone())].into(),
            host: (index % 3 == 0).then(|| name.as_str().into()),
            networks: vec![name.clone()],
            overflows: [(80, index as u64)].into(),
            kind: if index % 2 == 0 {
                Kind::Container
            } else {
                Kind::Process
            },
            name: name.clone(),
            ..process("")
        })
        .collect();
    let edges = nodes.iter().zip(nodes.iter().cycle().skip(1));
    let edges = edges.enumerate().map(|(index, (source, target))| {
        let mut edge = edge(source, target, 1, u64::MAX / 1000, Join::Tuple);
        if index % 2 == 0 {
            edge.0.listener = Listener::Unix(names[index].as_str().into());
            edge.1.closed = 0;
        }
        edge
    });
    let edges = edges.collect();
    snapshot(names.first().map_or("", String::as_str), "", nodes, edges)
}

/// All of [`HOSTILE`], and 4 KiB labels.
pub(crate) fn most_hostile() -> Snapshot {
    let mut names: Vec<String> = HOSTILE.iter().map(ToString::to_string).collect();
    names.push("x".repeat(4096));
    names.push("\"<&\u{1f980}\n".repeat(512));
    hostile(&names)
}

/// Names of all sorts.
pub(crate) fn names() -> impl Strategy<Value = Vec<String>> {
    let name = prop_oneof![
        any::<String>(),
        "[\\x00-\\x7f]{0,20}",
        proptest::sample::select(&HOSTILE[..]).prop_map(str::to_owned),
    ];
    proptest::collection::vec(name, 1..8)
}
