use std::{net::IpAddr, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    identity::{Container, ContainerId, Workload, layout::Runtime},
    topology::{Listener, sample},
};

fn container(name: Option<&str>) -> Workload {
    let mut container = Container::new(ContainerId::new(&"ab".repeat(32)), Runtime::Docker);
    container.name = name.map(str::to_owned);
    Workload::Container(Arc::new(container))
}

/// Three connections stood and two failed; both ends were seen.
fn seen(source: Workload, target: Workload) -> Conversation {
    let counts = Counts {
        existing: 1,
        opened: 2,
        failed: 2,
        ..Counts::default()
    };
    sample::conversation(source, target, counts)
}

#[track_caller]
fn check(conversation: Conversation, whole: u64, lost: &[(Cause, u64)]) {
    let account = Completeness::of(&[conversation], &Losses::default(), None);
    assert_eq!(account.whole, whole);
    for cause in Cause::ALL {
        let expected = lost.iter().find(|(which, _)| *which == cause);
        let expected = expected.map_or(0, |(_, count)| *count);
        assert_eq!(account.lost_to(cause), expected, "{cause:?}");
    }
}

#[test]
fn a_connection_is_lost_to_one_cause() {
    let named = || container(Some("web"));
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    let one_end = |target| Conversation {
        server: None,
        ..seen(named(), target)
    };
    check(seen(named(), named()), 5, &[]);
    check(one_end(Workload::External(address)), 5, &[]);
    check(one_end(Workload::Host), 2, &[(Cause::OneSided, 3)]);
    check(one_end(named()), 2, &[(Cause::OneSided, 3)]);
    check(one_end(container(None)), 2, &[(Cause::OneSided, 3)]);
    check(seen(named(), container(None)), 0, &[(Cause::Identity, 5)]);
    check(one_end(Workload::Unknown), 0, &[(Cause::Identity, 5)]);
    let unix = Conversation {
        listener: Listener::Unix("/run/x".into()),
        ..one_end(Workload::Unknown)
    };
    check(unix, 2, &[(Cause::OneSided, 3)]);
    let folded = Conversation {
        listener: Listener::Other,
        ..one_end(Workload::Unknown)
    };
    check(folded, 0, &[(Cause::Map, 5)]);
    // A refused connect has no other end to be seen.
    let mut refused = one_end(Workload::Host);
    refused.counts = Counts {
        failed: 4,
        ..Counts::default()
    };
    check(refused, 4, &[]);
}

#[test]
fn what_the_kernel_lost_counts_too() {
    let losses = Losses {
        sockets_dropped: 1,
        counts_dropped: 2,
        datagrams_dropped: 2,
        // Told apart no more, but counted: as a conversation of its own.
        flows_dropped: 7,
        records_dropped: 7,
        // A name less to show, nothing less to count.
        names_dropped: 7,
        runs_missed: 7,
    };
    let conversation = seen(container(Some("web")), Workload::Process("nc".into()));
    let account = Completeness::of(&[conversation], &losses, None);
    assert_eq!((account.whole, account.connections()), (5, 10));
    assert!((account.share() - 0.5).abs() < f64::EPSILON);
}

#[test]
fn the_smaller_share_counts() {
    let account = Completeness {
        whole: 9,
        lost: [1, 0, 0, 0, 0, 0, 0],
        records: 1,
        ring: 2,
        undecoded: 1,
        engines_silent: 0,
    };
    assert!((account.share() - 0.25).abs() < f64::EPSILON);
    assert!((Completeness::default().share() - 1.0).abs() < f64::EPSILON);
}

proptest! {
    #[test]
    fn it_is_one_only_if_nothing_was_lost(
        whole: u64, lost: [u64; 7], records: u64, ring: u64, undecoded: u64
    ) {
        let account = Completeness { whole, lost, records, ring, undecoded, engines_silent: 0 };
        let share = account.share();
        prop_assert!((0.0..=1.0).contains(&share));
        let nothing = lost == [0; 7] && ring == 0 && undecoded == 0;
        // Sums beyond 64 bits are not told apart any more.
        if account.connections() < u64::MAX && records < u64::MAX / 2 && ring < u64::MAX / 4 && undecoded < u64::MAX / 4 {
            prop_assert_eq!(share >= 1.0, nothing);
        }
    }
}
