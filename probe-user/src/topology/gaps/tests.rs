use std::{net::IpAddr, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    identity::{Container, ContainerId, layout::Runtime},
    kernel::flows::Counts,
    topology::{Externals, Graph, Level, Shape, merge::merge, sample},
};

fn container(digit: char, name: Option<&str>) -> Workload {
    let id = ContainerId::new(&digit.to_string().repeat(64));
    let mut container = Container::new(id, Runtime::Docker);
    container.name = name.map(str::to_owned);
    Workload::Container(Arc::new(container))
}

fn elsewhere() -> Workload {
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    Workload::External(address)
}

/// One connection from the one to the other, whose ends were both seen.
fn between(source: Workload, target: Workload) -> Conversation {
    let counts = Counts {
        opened: 1,
        ..Counts::default()
    };
    sample::conversation(source, target, counts)
}

fn whole() -> Conversation {
    between(container('a', Some("web")), container('b', Some("db")))
}

/// The edge between two containers, of these conversations.
fn edge(conversations: &[Conversation], lens: Lens<'_>) -> Gaps {
    let graph = Graph::of(conversations, lens);
    let mut edges = graph
        .edges()
        .filter(|(.., e)| e.listener != Listener::Other);
    let (.., edge) = edges.next().unwrap();
    edge.gaps
}

#[track_caller]
fn check(conversation: Conversation, expected: &[Gap]) {
    let gaps = edge(&[conversation], "here".into());
    assert_eq!(gaps.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn each_end_is_looked_at() {
    check(whole(), &[]);
    check(between(elsewhere(), container('b', Some("db"))), &[]);
    let no_server = |target| Conversation {
        server: None,
        ..between(container('a', Some("web")), target)
    };
    check(no_server(elsewhere()), &[]);
    check(no_server(Workload::Host), &[Gap::TargetUnseen]);
    check(
        no_server(container('b', None)),
        &[Gap::TargetUnseen, Gap::Identity],
    );
    let no_client = Conversation {
        client: None,
        ..between(Workload::Process("nc".into()), container('b', Some("db")))
    };
    check(no_client, &[Gap::SourceUnseen]);
    let unix = Conversation {
        listener: Listener::Unix("/run/x".into()),
        ..no_server(Workload::Unknown)
    };
    check(unix, &[Gap::TargetUnseen, Gap::Identity]);
}

#[test]
fn what_failed_has_no_other_end_and_what_stood_counts_from_then_on() {
    let refused = Conversation {
        server: None,
        counts: Counts {
            failed: 3,
            ..Counts::default()
        },
        ..whole()
    };
    check(refused, &[]);
    let stood = Conversation {
        counts: Counts {
            existing: 1,
            ..Counts::default()
        },
        ..whole()
    };
    check(stood, &[Gap::Existing]);
}

#[test]
fn an_end_that_was_not_seen_may_be_in_the_rest() {
    let rest = |of: Workload| Conversation {
        listener: Listener::Other,
        server: None,
        ..between(of, Workload::Unknown)
    };
    let gaps = Graph::of(&[rest(container('b', Some("db")))], "here");
    let (.., only) = gaps.edges().next().unwrap();
    assert_eq!(only.gaps, Gap::Map.into());

    let unseen = Conversation {
        server: None,
        ..whole()
    };
    let of = |of| edge(&[unseen.clone(), rest(of)], "here".into());
    let both = [Gap::Map, Gap::TargetUnseen].into_iter().collect();
    assert_eq!(of(container('b', Some("db"))), both);
    // Whoever was seen counts on its own edge.
    assert_eq!(of(container('a', Some("web"))), Gap::TargetUnseen.into());
}

#[test]
fn what_the_host_lacks_its_edges_lack() {
    let lens = Lens {
        counts_calls: false,
        engine_silent: true,
        ..Lens::from("here")
    };
    let both = [Gap::Engine, Gap::Calls].into_iter().collect();
    assert_eq!(edge(&[whole()], lens), both);
    let processes = between(Workload::Process("a".into()), elsewhere());
    assert_eq!(edge(&[processes], lens), Gap::Calls.into());
}

#[test]
fn they_are_told_in_one_order() {
    let all: Gaps = Gap::ALL.into_iter().rev().collect();
    assert_eq!(
        all.to_string(),
        "map source-unseen target-unseen identity engine ecs calls existing"
    );
    assert!(all.iter().eq(Gap::ALL));
    assert_eq!(Gaps::default().to_string(), "");
}

fn gaps() -> impl Strategy<Value = Gaps> {
    any::<u8>().prop_map(Gaps)
}

/// All that edges lack.
fn union(graph: &Graph) -> Gaps {
    graph
        .edges()
        .fold(Gaps::default(), |all, (.., edge)| all | edge.gaps)
}

proptest! {
    #[test]
    fn a_group_lacks_what_its_members_lack(each in proptest::collection::vec(gaps(), 8)) {
        let fleet = sample::with_gaps_each(sample::fleet(), &each);
        let all = union(&fleet.graph);
        for level in [Level::Task, Level::Service, Level::Image, Level::Host] {
            let shape = Shape { level, externals: Externals::Collapse, ..Shape::default() };
            let folded = shape.of(Graph::clone(&fleet.graph), "here");
            prop_assert_eq!(union(&folded), all);
            // As many edges as before at most lack each.
            for ((gap, before), (_, after)) in fleet.graph.gaps().zip(folded.gaps()) {
                prop_assert!(after <= before && (after > 0) == (before > 0), "{:?}", gap);
            }
        }
    }

    #[test]
    fn a_merged_graph_lacks_what_its_hosts_lack(
        each in proptest::collection::vec(gaps(), 8),
        others in proptest::collection::vec(gaps(), 8),
    ) {
        let here = sample::with_gaps_each(sample::shop(), &each);
        let mut there = sample::with_gaps_each(sample::fleet(), &others);
        there.seen[0].host = "there".to_owned();
        there.seen[0].addresses.clear();
        let merged = merge(&[here.clone(), there.clone()]).unwrap();
        prop_assert_eq!(union(&merged.graph), union(&here.graph) | union(&there.graph));
        let edges = here.graph.edges().chain(there.graph.edges());
        prop_assert_eq!(merged.graph.edges().count(), edges.count());
    }
}
