//! How long a tick's graph and its outputs take: 1,000 containers and 20,000 edges.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Instant,
};

use criterion::{BatchSize, Criterion};
use jiff::Timestamp;
use probe_user::{
    export::{Snapshot, csv, dot, graphml, json, mermaid},
    identity::{
        Container, ContainerId, Directory, Facts, Names, Runtime, Workload, workload::Host,
    },
    ids::{CgroupId, FlowId, NetNs},
    kernel::{
        flows::{Counts, Flow, FlowDelta, FlowNews, Role, Service},
        halves::Halves,
        losses::Losses,
    },
    topology::{
        Delta, Graph, Join, Ledger, Level, Listener, Seen, Shape,
        join::{Conversation, join},
        merge::merge,
        proxy,
        question::Question,
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
            halves: Halves::default(),
            name: None,
            join: Join::Sequence,
            client: None,
            server: None,
            forward: None,
            idle: false,
        }
    };
    (0..EDGES).map(conversation).collect()
}

/// A host with the same containers, each with a cgroup and an address of its own.
fn host() -> Host {
    let directory = Directory::default();
    for (number, workload) in containers().into_iter().enumerate() {
        let Workload::Container(container) = workload else {
            continue;
        };
        directory.cgroup_made(cgroup(number), &format!("/docker/{}", container.id));
        let facts = Facts {
            name: container.name.clone(),
            image: container.image.clone(),
            labels: Some(container.labels.clone()),
            ..Facts::new(
                container.id.clone(),
                "unix:///bench".into(),
                Runtime::Docker,
            )
        };
        directory.upsert(facts, Instant::now());
    }
    Host {
        directory: Arc::new(directory),
        ecs: None,
        addresses: Vec::new(),
        names: Names::default(),
    }
}

fn cgroup(container: usize) -> CgroupId {
    CgroupId(container as u64 + 1)
}

fn address(container: usize) -> IpAddr {
    let number = u32::try_from(container).unwrap_or(u32::MAX);
    Ipv4Addr::from_bits(0x0a00_0001 + number).into()
}

/// Both ends of every edge have news.
fn news() -> FlowNews {
    let each = EDGES / CONTAINERS;
    let end = |container: usize, other: usize, role, peer| {
        Arc::new(Flow {
            cgroup: cgroup(container),
            command: "service".to_owned(),
            role,
            peer,
            netns: NetNs(u32::try_from(container).unwrap_or(u32::MAX)),
            local: address(container),
            remote: address(other),
            service: Service::Tcp(8_080),
        })
    };
    let deltas = (0..EDGES).flat_map(|index| {
        let (source, nth) = (index / each, index % each);
        let target = (source + nth * 37 + 1) % CONTAINERS;
        let id = FlowId(2 * index as u64 + 1);
        let counts = Counts {
            opened: 1,
            closed: 1,
            bytes_sent: 100,
            bytes_received: 1_000,
            ..Counts::default()
        };
        let delta = |id, flow, counts| FlowDelta {
            id,
            flow,
            counts,
            pid: None,
        };
        [
            delta(id, end(source, target, Role::Client, None), counts),
            delta(
                FlowId(id.0 + 1),
                end(target, source, Role::Server, Some(id)),
                counts.mirrored(),
            ),
        ]
    });
    FlowNews {
        deltas: deltas.collect(),
        ..FlowNews::default()
    }
}

/// Bytes resident.
fn resident() -> u64 {
    let memory = procfs::process::Process::myself().and_then(|own| own.statm());
    memory.map_or(0, |memory| memory.resident * procfs::page_size())
}

#[expect(clippy::print_stdout, reason = "as criterion prints its own figures")]
fn say_memory(ledger: u64, graph: u64) {
    println!(
        "memory: {} KiB for the ledger and its flows, {} KiB more to make the graph",
        ledger >> 10,
        graph >> 10
    );
}

/// All that user space does with what a tick brought, at its worst: every flow has news.
fn tick(criterion: &mut Criterion) {
    let host = host();
    let news = news();
    let empty = resident();
    let mut ledger = Ledger::new(65_536);
    ledger.apply(news.clone(), &host);
    let graph = |ledger: &Ledger| {
        let folded = proxy::fold(join(ledger, &host), &host);
        Shape::default().of(Graph::of(&folded, "here"), "here")
    };
    let ledger_bytes = resident().saturating_sub(empty);
    let kept = graph(&ledger);
    let graph_bytes = resident().saturating_sub(empty + ledger_bytes);
    say_memory(ledger_bytes, graph_bytes);
    assert_eq!(kept.as_petgraph().node_count(), CONTAINERS);
    assert_eq!(kept.as_petgraph().edge_count(), EDGES);
    drop(kept);
    criterion.bench_function("tick: news of 40,000 flows taken in", |b| {
        b.iter_batched(
            || news.clone(),
            |news| ledger.apply(news, &host),
            BatchSize::LargeInput,
        );
    });
    criterion.bench_function("tick: joined, folded, made a graph", |b| {
        b.iter_with_large_drop(|| graph(&ledger));
    });
    let graph = graph(&ledger);
    let by_image = Shape {
        level: Level::Image,
        ..Shape::default()
    };
    criterion.bench_function("folded by image", |b| {
        b.iter_batched(
            || graph.clone(),
            |graph| by_image.of(graph, "here"),
            BatchSize::LargeInput,
        );
    });
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
        losses: Losses::default(),
        completeness: None,
    }
}

fn benches(criterion: &mut Criterion) {
    tick(criterion);
    let conversations = conversations();
    let graph = || Graph::of(&conversations, "here");
    let here = snapshot(graph(), "here");
    assert_eq!(here.graph.as_petgraph().node_count(), CONTAINERS);
    assert_eq!(here.graph.as_petgraph().edge_count(), EDGES);

    criterion.bench_function("conversations to graph", |b| b.iter_with_large_drop(graph));
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
