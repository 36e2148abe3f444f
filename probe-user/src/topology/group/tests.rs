use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    kernel::flows::Counts,
    topology::{
        Externals, Join, Shape, Snapshot,
        sample::{self, PlainEdge},
    },
};

fn shaped(snapshot: &Snapshot, level: Level) -> Graph {
    let shape = Shape {
        level,
        ..Shape::default()
    };
    shape.of(Graph::clone(&snapshot.graph), "here")
}

/// Edges as `source -> target port opened`.
fn edges(graph: &Graph) -> Vec<String> {
    let line = |(source, target, edge): (&Node, &Node, &Edge)| {
        let (port, opened) = (&edge.listener, edge.counts.opened);
        format!("{} -> {} {port} {opened}", source.id, target.id)
    };
    graph.edges().map(line).collect()
}

fn totals(graph: &Graph) -> (Counts, BTreeMap<Join, u64>) {
    let mut all = (Counts::default(), BTreeMap::new());
    for (.., edge) in graph.edges() {
        all.0 += edge.counts;
        for (join, connections) in &edge.joins {
            *all.1.entry(*join).or_default() += connections;
        }
    }
    all
}

#[test]
fn containers_fold_into_their_tasks() {
    let graph = shaped(&sample::fleet(), Level::Task);
    let task = |id: &str| format!("task:arn:aws:ecs:eu-west-1:012345678910:task/prod/{id}");
    let (web, other) = (task("1aaaaaaaaa"), task("2bbbbbbbbb"));
    let (db, cron) = (task("3cccccccc"), task("4ddddddddd"));
    assert_eq!(
        edges(&graph),
        [
            format!("external:192.0.2.7 -> {web} 80 100"),
            format!("external:192.0.2.7 -> {other} 80 50"),
            format!("process:lone -> {db} 5432 1"),
            format!("{web} -> {web} 9000 7"),
            format!("{web} -> {db} 5432 3"),
            format!("{other} -> {web} 80 2"),
            format!("{other} -> {db} 5432 4"),
            format!("{cron} -> external:169.254.169.254 80 1"),
        ]
    );
    let node = graph.node(&NodeId::new(&web)).unwrap();
    assert_eq!((node.kind, node.members), (Kind::Task, Some(2)));
    assert_eq!(node.name, "app:7/1aaaaaaa");
    assert_eq!(node.addresses.len(), 2);
    assert_eq!((&node.image, node.cgroup), (&None, None));
    let ecs = node.ecs.as_ref().unwrap();
    assert_eq!(ecs.container, None, "they have two");
    assert_eq!(ecs.service.as_deref(), Some("web"));
    assert_eq!(ecs.state.as_ref().unwrap().desired, 3);
}

#[test]
fn tasks_fold_into_their_services_and_one_off_tasks_stay_containers() {
    let graph = shaped(&sample::fleet(), Level::Service);
    let service =
        |name: &str| format!("service:arn:aws:ecs:eu-west-1:012345678910:service/prod/{name}");
    let (web, db) = (service("web"), service("db"));
    let cron = format!("container:{}", "5".repeat(64));
    assert_eq!(
        edges(&graph),
        [
            format!("{cron} -> external:169.254.169.254 80 1"),
            format!("external:192.0.2.7 -> {web} 80 150"),
            format!("process:lone -> {db} 5432 1"),
            format!("{web} -> {db} 5432 7"),
            format!("{web} -> {web} 80 2"),
            format!("{web} -> {web} 9000 7"),
        ]
    );
    let node = graph.node(&NodeId::new(&web)).unwrap();
    assert_eq!((node.name.as_str(), node.members), ("web", Some(3)));
    let both = graph
        .edges()
        .find(|(.., edge)| edge.counts.opened == 7 && edge.joins.len() == 2);
    assert!(both.is_some(), "evidence is added up as well");
}

#[test]
fn images_and_hosts() {
    let image = shaped(&sample::fleet(), Level::Image);
    let web = image.node(&NodeId::new("image:web:1")).unwrap();
    assert_eq!((web.kind, web.members), (Kind::Image, Some(2)));
    assert!(edges(&image).contains(&"image:web:1 -> image:web:1 80 2".to_owned()));
    let host = shaped(&sample::fleet(), Level::Host);
    assert_eq!(
        edges(&host),
        [
            "external:192.0.2.7 -> host:here 80 150",
            "host:here -> external:169.254.169.254 80 1",
            "host:here -> host:here 80 2",
            "host:here -> host:here 5432 8",
            "host:here -> host:here 9000 7",
        ]
    );
    let here = host.node(&NodeId::new("host:here")).unwrap();
    assert_eq!(here.members, Some(6));
}

#[test]
fn a_group_of_a_group_has_all_its_members() {
    let tasks = shaped(&sample::fleet(), Level::Task);
    let same = |snapshot: &Graph, level| {
        let again = Shape {
            level,
            ..Shape::default()
        };
        again.of(snapshot.clone(), "here")
    };
    assert_eq!(edges(&same(&tasks, Level::Task)), edges(&tasks));
    assert_eq!(edges(&same(&tasks, Level::Container)), edges(&tasks));
}

fn levels() -> impl Strategy<Value = (Level, Externals)> {
    let level = proptest::sample::select(&[
        Level::Container,
        Level::Task,
        Level::Service,
        Level::Image,
        Level::Host,
    ]);
    let externals = proptest::sample::select(&[
        Externals::Collapse,
        Externals::Address,
        Externals::Name,
        Externals::Net(24),
        Externals::Net(0),
    ]);
    (level, externals)
}

/// Nodes of every sort, the same few names and tasks over and over.
fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let one = (0..4_u8, 0..3_u8, 0..3_u8, 0..3_u8).prop_map(|(sort, a, b, c)| {
        let digit = char::from(b'a' + (a * 3 + b) % 6);
        match sort {
            0 => sample::container(digit, ["x", "y", "z"][usize::from(c)], &["n"], "10.0.0.9"),
            1 => {
                let service = ["web", "db"].get(usize::from(c)).copied();
                sample::of_task(digit, "app", ["1", "2", "3"][usize::from(b)], service)
            }
            2 => sample::external(&format!("192.0.{a}.{b}")),
            _ => sample::process(["nginx", "curl", "sshd"][usize::from(c)]),
        }
    });
    proptest::collection::vec(one, 1..12).prop_map(|mut nodes| {
        nodes.sort_by(|a, b| a.id.cmp(&b.id));
        nodes.dedup_by(|a, b| a.id == b.id);
        nodes
    })
}

fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    let edge = (
        any::<proptest::sample::Index>(),
        any::<proptest::sample::Index>(),
        0..3_u16,
        0..1000_u64,
        0..4_usize,
    );
    (nodes(), proptest::collection::vec(edge, 0..40)).prop_map(|(nodes, edges)| {
        let joins = [Join::Sequence, Join::Tuple, Join::Proxy, Join::OneSided];
        let mut known: BTreeMap<_, PlainEdge> = BTreeMap::new();
        for (source, target, port, opened, join) in edges {
            let (source, target) = (source.get(&nodes), target.get(&nodes));
            let edge = sample::edge(source, target, port, opened, joins[join]);
            known.insert(edge.0.clone(), edge);
        }
        sample::snapshot("here", "10.0.0.1", nodes, known.into_values().collect())
    })
}

proptest! {
    #[test]
    fn whatever_is_folded_nothing_is_lost_or_doubled(
        snapshot in any_snapshot(),
        (level, externals) in levels(),
        max_externals in 1..5_usize,
    ) {
        let shape = Shape { level, externals, max_externals };
        let graph = shape.of(Graph::clone(&snapshot.graph), "here");
        prop_assert_eq!(totals(&graph), totals(&snapshot.graph));
        let members: u64 = graph.nodes().map(|node| node.members.unwrap_or(1)).sum();
        prop_assert_eq!(members, snapshot.graph.nodes().count() as u64);
        let externals = graph.nodes().filter(|node| node.kind == Kind::External);
        prop_assert!(externals.count() <= max_externals);
        // Folded once more, it stays.
        let again = shape.of(graph.clone(), "here");
        prop_assert_eq!(totals(&again), totals(&graph));
        prop_assert_eq!(edges(&again), edges(&graph));
    }
}
