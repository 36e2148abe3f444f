//! How long a tick's graph and its outputs take: 1,000 containers and 20,000 edges.

use std::{hint::black_box, sync::Arc};

use criterion::Criterion;
use jiff::Timestamp;
use probe_user::{
    export::{Snapshot, csv, dot, graphml, json, mermaid},
    identity::{Container, ContainerId, Runtime, Workload},
    kernel::{flows::Counts, losses::Losses},
    topology::{
        Delta, Graph, Join, Listener, Seen, join::Conversation, merge::merge, question::Question,
    },
};

const CONTAINERS: usize = 1_000;
const EDGES: usize = 20_000;

/// Containers with names, images and labels as an orchestrator gives them.
fn containers() -> Vec<Workload> {
    let container = |index: usize| {
        let id = ContainerId::new(&format!(
            "{:064x}",
            index.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ));
        let mut container = Container::new(id, Runtime::Docker);
        container.name = Some(format!("service-{}-{index}", index % 40));
        container.image = Some(format!("registry.example/service-{}:1.{index}", index % 40));
        container.labels = (0..8)
            .map(|label| {
                (
                    format!("com.example.label-{label}"),
                    format!("value-{index}-{label}"),
                )
            })
            .collect();
        Workload::Container(Arc::new(container))
    };
    (0..CONTAINERS).map(container).collect()
}

/// Every container opens connections to twenty others, in no order.
fn conversations() -> Vec<Conversation> {
    let containers = containers();
    let each = EDGES / CONTAINERS;
    let conversation = |index: usize| {
        // 7,919 is prime: all pairs come once, mixed.
        let index = index * 7_919 % EDGES;
        let (source, nth) = (index / each, index % each);
        let number = index as u64;
        Conversation {
            source: containers[source].clone(),
            target: containers[(source + nth * 37 + 1) % CONTAINERS].clone(),
            listener: Listener::Tcp(8_080),
            asked: Some(([10, 0, 0, 1], 80).into()),
            reached: Some(([10, 0, 0, 2], 8_080).into()),
            counts: Counts {
                opened: number,
                closed: number,
                sends: 2 * number,
                receives: 3 * number,
                bytes_sent: 1_000 * number,
                bytes_received: 100_000 * number,
                ..Counts::default()
            },
            join: Join::Sequence,
        }
    };
    (0..EDGES).map(conversation).collect()
}

fn snapshot(graph: Graph, host: &str) -> Snapshot {
    Snapshot {
        seen: vec![Seen {
            host: host.to_owned(),
            addresses: Vec::new(),
        }],
        started: Timestamp::UNIX_EPOCH,
        ended: Timestamp::UNIX_EPOCH,
        graph: Arc::new(graph),
        counts_calls: true,
        losses: Losses::default(),
    }
}

fn benches(criterion: &mut Criterion) {
    let conversations = conversations();
    let graph = || Graph::of(&conversations, "here");
    let here = snapshot(graph(), "here");
    assert_eq!(here.graph.as_petgraph().node_count(), CONTAINERS);
    assert_eq!(here.graph.as_petgraph().edge_count(), EDGES);

    criterion.bench_function("graph of a tick", |b| b.iter(|| black_box(graph())));
    criterion.bench_function("snapshot cloned", |b| b.iter(|| black_box(here.clone())));
    let mut out = Vec::new();
    criterion.bench_function("written as JSON", |b| {
        b.iter(|| {
            out.clear();
            json::write(&here, &mut out)
        });
    });
    let text = String::from_utf8_lossy(&out).into_owned();
    criterion.bench_function("read from JSON", |b| b.iter(|| json::read(&text)));
    let write = |snapshot: &Snapshot| {
        let mut out = Vec::new();
        (
            dot::write(snapshot, &mut out),
            graphml::write(snapshot, &mut out),
            mermaid::write(snapshot, &mut out),
            csv::write(snapshot, &mut out),
        )
    };
    criterion.bench_function("written in all other formats", |b| b.iter(|| write(&here)));
    let there = snapshot(graph(), "there");
    criterion.bench_function("compared", |b| {
        b.iter(|| Delta::between(&here.graph, &there.graph));
    });
    criterion.bench_function("merged", |b| {
        b.iter(|| merge(&[here.clone(), there.clone()]));
    });
    let question = Question::From("service-0-0".to_owned(), None);
    criterion.bench_function("asked whom one reaches", |b| {
        b.iter(|| question.ask(&here.graph));
    });
    criterion.bench_function("asked for cycles", |b| {
        b.iter(|| Question::Cycles.ask(&here.graph));
    });
}

fn main() {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    benches(&mut criterion);
    criterion.final_summary();
}
