//! Graphs made by hand, for the tests of all that takes graphs.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use super::{EdgeKey, Graph, Join, Kind, Listener, Node, NodeId, Seen, Snapshot};
use crate::kernel::{flows::Counts, losses::Losses};

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
    Node {
        addresses: vec![address.parse().unwrap()],
        ..Node::plain(Kind::External, address.to_owned())
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
        counts_calls: true,
        losses: Losses::default(),
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
