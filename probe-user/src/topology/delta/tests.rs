use std::sync::Arc;

use proptest::prelude::*;

use super::Delta;
use crate::{
    export,
    topology::{Graph, Join, Kind, sample},
    views::changes,
};

/// The shop a while later: the cache gone, a queue come, the web server upgraded and busier.
fn later() -> Graph {
    let shop = sample::shop();
    let mut nodes: Vec<_> = shop
        .graph
        .nodes()
        .filter(|n| n.name != "cache")
        .cloned()
        .collect();
    let queue = sample::container('e', "queue", &["back"], "172.19.0.6");
    let web = nodes.iter_mut().find(|node| node.name == "web").unwrap();
    web.image = Some("web:2".to_owned());
    web.labels.insert("tier".to_owned(), "front".to_owned());
    let new = sample::edge(web, &queue, 4222, 7, Join::Sequence);
    nodes.push(queue);
    let mut edges: Vec<_> = shop
        .graph
        .keyed_edges()
        .filter(|(key, _)| {
            [&key.source, &key.target]
                .iter()
                .all(|id| !id.as_str().contains("cccc"))
        })
        .map(|(key, edge)| (key, edge.counts, edge.joins.clone()))
        .collect();
    edges[0].1.opened += 5;
    edges[0].1.bytes_sent += 1;
    edges.push(new);
    Graph::new(nodes, edges).unwrap()
}

#[test]
fn what_changed_is_said_in_words_and_in_json() {
    let before = sample::shop();
    let after = export::Snapshot {
        graph: Arc::new(later()),
        ..before.clone()
    };
    let delta = Delta::between(&before.graph, &after.graph);
    insta::assert_snapshot!("words", changes::text(&delta, &before.graph, &after.graph));
    let mut json = Vec::new();
    export::delta::write(&delta, &before, &after, &mut json).unwrap();
    insta::assert_snapshot!("json", String::from_utf8(json).unwrap());
}

#[test]
fn nothing_changed() {
    let shop = sample::shop();
    let delta = Delta::between(&shop.graph, &shop.graph);
    assert!(delta.is_empty());
    assert_eq!(changes::text(&delta, &shop.graph, &shop.graph), "");
}

/// Some of six nodes and some edges between them, with figures from few.
fn graphs() -> impl Strategy<Value = Graph> {
    let edges =
        proptest::collection::btree_map((0..6_usize, 0..6_usize, 1..3_u16), 0..3_u64, 0..12);
    (edges, 0..3_u64).prop_map(|(edges, image)| {
        let nodes: Vec<_> = (0..6)
            .map(|index| {
                let mut node = sample::process(&format!("p{index}"));
                node.image = Some(image.to_string());
                node
            })
            .collect();
        let edges = edges.iter().map(|((source, target, port), opened)| {
            sample::edge(
                &nodes[*source],
                &nodes[*target],
                *port,
                *opened,
                Join::Tuple,
            )
        });
        let edges: Vec<_> = edges.collect();
        let used = |id| {
            edges
                .iter()
                .any(|(key, ..)| key.source == id || key.target == id)
        };
        let nodes = nodes.iter().filter(|node| used(node.id.clone())).cloned();
        Graph::new(nodes.collect(), edges.clone()).unwrap()
    })
}

proptest! {
    #[test]
    fn a_delta_applied_to_the_earlier_graph_is_the_later(before in graphs(), after in graphs()) {
        let delta = Delta::between(&before, &after);
        let mut nodes: std::collections::BTreeMap<_, _> =
            before.nodes().map(|node| (node.id.clone(), node.clone())).collect();
        nodes.retain(|id, _| delta.nodes.removed.iter().all(|(gone, _)| gone != id));
        nodes.extend(delta.nodes.added.iter().cloned());
        nodes.extend(delta.nodes.changed.iter().map(|(id, _, new)| (id.clone(), new.clone())));
        let mut edges: std::collections::BTreeMap<_, _> =
            before.keyed_edges().map(|(key, edge)| (key, edge.clone())).collect();
        edges.retain(|key, _| delta.edges.removed.iter().all(|(gone, _)| gone != key));
        edges.extend(delta.edges.added.iter().cloned());
        edges.extend(delta.edges.changed.iter().map(|(key, _, new)| (key.clone(), new.clone())));
        prop_assert!(nodes.values().eq(after.nodes()));
        prop_assert!(edges.iter().map(|(key, edge)| (key.clone(), edge)).eq(after.keyed_edges()));
        prop_assert!(nodes.values().all(|node| node.kind == Kind::Process));
        let back = Delta::between(&after, &before);
        prop_assert_eq!(back.edges.added, delta.edges.removed);
    }
}
