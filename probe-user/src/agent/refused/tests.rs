//! What the kernel keeps back the filter would: of messages and of connections.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use bytes::Bytes;
use proptest::prelude::*;

use super::refused;
use crate::{
    filter::Filter,
    identity::{
        ContainerId, Directory, Facts, Life, Names, Runtime,
        workload::{Holders, Host},
    },
    ids::{CgroupId, Nanos, NetNs, Pid},
    kernel::{
        connections::{Change, Connection},
        messages::{Channel, Direction, Message},
        records::{Record, What},
    },
    views::{
        events::{Event, EventRecord},
        traffic::Talk,
    },
};

/// Cgroups from 1 on: the host's, two containers' and one nested in the first's.
const PATHS: [&str; 5] = [
    "/",
    "/system.slice/sshd.service",
    "/docker/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "/docker/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/nested",
    "/docker/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
];
const HOST: &str = "here";

fn id(digit: &str) -> ContainerId {
    ContainerId::new(&digit.repeat(64))
}

/// What an engine says of a container; that it was asked about it only if `asked`.
fn facts(digit: &str, name: &str, tier: Option<&str>, asked: bool) -> Facts {
    let label = tier.map(|tier| ("tier".to_owned(), tier.to_owned()));
    Facts {
        name: Some(name.to_owned()),
        image: Some("shop:1".to_owned()),
        labels: Some(label.into_iter().collect()),
        life: Some(Life::Running),
        pid: asked.then_some(4711),
        ..Facts::new(id(digit), "unix:///docker.sock".into(), Runtime::Docker)
    }
}

fn made(directory: &Directory, cgroup: usize) {
    directory.cgroup_made(CgroupId(cgroup as u64), PATHS[cgroup - 1]);
}

/// The cgroups of which the kernel would be told, in order.
fn kept_back(directory: &Directory, filter: &str) -> Vec<u64> {
    let refused = refused(directory, &filter.parse().unwrap(), HOST);
    let mut refused: Vec<_> = refused.into_iter().map(|cgroup| cgroup.0).collect();
    refused.sort_unstable();
    refused
}

#[test]
fn only_what_is_certain_is_kept_back() {
    const WEB: &str = "container.name = web";
    let (directory, now) = (Directory::default(), Instant::now());
    let check = |filter: &str, expected: &[u64]| {
        assert_eq!(kept_back(&directory, filter), expected, "{filter}");
    };
    (1..=5).for_each(|cgroup| made(&directory, cgroup));
    check(WEB, &[1, 2]);
    check("container.id = aaaa", &[1, 2, 5]);
    // Events and lists may leave something out.
    directory.upsert(facts("a", "other", None, false), now);
    check(WEB, &[1, 2]);
    directory.upsert(facts("a", "other", None, true), now);
    directory.upsert(facts("b", "web", Some("front"), true), now);
    check(WEB, &[1, 2, 3, 4]);
    check("container.label.tier exists", &[1, 2, 3, 4]);
    check("container.name != web and fd.port = 80", &[5]);
    check("not (container.name = web or fd.port = 80)", &[5]);
    check("container.name = web or fd.port = 80", &[]);
    check("fd.port = 80", &[]);
    // It may be given one while it runs.
    check("container.ip = 10.0.0.1", &[]);
    check("host.name = there", &[1, 2, 3, 4, 5]);
    // It is renamed, and ends.
    directory.upsert(facts("a", "web", None, true), now);
    check(WEB, &[1, 2]);
    directory.upsert(facts("a", "other", None, true), now);
    check(WEB, &[1, 2, 3, 4]);
    directory.cgroup_removed(CgroupId(3), now);
    check(WEB, &[1, 2]);
    let later = now + crate::identity::directory::KEPT;
    directory.cgroup_removed(CgroupId(2), now);
    directory.sweep(later);
    check(WEB, &[1]);
}

/// Something becomes known of a cgroup or a container, or is no more.
#[derive(Clone, Debug)]
enum News {
    Made(usize),
    Removed(usize),
    Told(&'static str, &'static str, Option<&'static str>, bool),
    Ended(&'static str),
}

fn news() -> impl Strategy<Value = News> {
    let digit = || prop::sample::select(&["a", "b"][..]);
    let name = prop::sample::select(&["web", "db"][..]);
    let tier = prop::option::of(prop::sample::select(&["front", "back"][..]));
    prop_oneof![
        4 => (1..=PATHS.len()).prop_map(News::Made),
        1 => (1..=PATHS.len()).prop_map(News::Removed),
        4 => (digit(), name, tier, any::<bool>())
            .prop_map(|(digit, name, tier, asked)| News::Told(digit, name, tier, asked)),
        1 => digit().prop_map(News::Ended),
    ]
}

fn comparison() -> impl Strategy<Value = String> {
    let all = [
        "container.name = web",
        "container.name != web",
        "container.name startswith d",
        "container.name exists",
        "container.id = aaaa",
        "container.image glob shop*",
        "container.label.tier = front",
        "container.label.tier exists",
        "container.ip exists",
        "ecs.family exists",
        "host.name = here",
        "host.name != here",
        "fd.port = 80",
        "fd.sport != 80",
        "proc.pid = 7",
        "proc.name = curl",
        "evt.type in (connect, write)",
        "fd.net = 10.0.0.0/8",
    ];
    prop::sample::select(all.map(str::to_owned).to_vec())
}

fn expression() -> impl Strategy<Value = String> {
    comparison().prop_recursive(4, 20, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|all| format!("({})", all.join(" and "))),
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|all| format!("({})", all.join(" or "))),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

/// A message and a connection of process `pid` in a cgroup.
fn happened(cgroup: u64, pid: u32, remote: SocketAddr) -> (Message, Record) {
    let local: SocketAddr = "10.0.0.2:40000".parse().unwrap();
    let message = Message {
        time: Nanos(1),
        cgroup: CgroupId(cgroup),
        pid: Pid(pid),
        thread: Pid(pid),
        command: "curl".to_owned(),
        direction: Direction::Sent,
        channel: Channel::Inet {
            tcp: true,
            local,
            remote: Some(remote),
        },
        netns: NetNs(1),
        call: 1,
        fd: 3,
        length: 2,
        payload: Bytes::from_static(b"hi"),
    };
    let connection = Connection {
        change: Change::Connected { took: None },
        pid: Some(Pid(pid)),
        command: "curl".to_owned(),
        client: true,
        local,
        remote,
        netns: NetNs(1),
    };
    let record = Record {
        time: Nanos(1),
        cgroup: CgroupId(cgroup),
        what: What::Connection(connection),
    };
    (message, record)
}

proptest! {
    /// Whatever is known, and in whichever order it came.
    #[test]
    fn what_is_kept_back_would_not_have_passed(
        text in expression(),
        news in prop::collection::vec(news(), 0..20),
        pid in 6..9_u32,
        port in 79..82_u16,
    ) {
        let (directory, now) = (Arc::new(Directory::default()), Instant::now());
        for news in news {
            match news {
                News::Made(cgroup) => made(&directory, cgroup),
                News::Removed(cgroup) => directory.cgroup_removed(CgroupId(cgroup as u64), now),
                News::Told(digit, name, tier, asked) => {
                    directory.upsert(facts(digit, name, tier, asked), now);
                }
                News::Ended(digit) => directory.ended(&id(digit), None, now),
            }
        }
        let filter: Filter = text.parse().unwrap();
        let refused = refused(&directory, &filter, HOST);
        prop_assert!(
            refused.is_empty() || filter.refuses_by(crate::filter::of::PlaceRecord::has),
            "the kernel would not ask"
        );
        let host = Host {
            directory,
            ecs: None,
            addresses: Vec::new(),
            names: Names::default(),
        };
        let time = "2026-01-02T03:04:05Z".parse().unwrap();
        for cgroup in refused {
            let remote = SocketAddr::from(([10, 0, 0, 3], port));
            let (message, record) = happened(cgroup.0, pid, remote);
            let talk = Talk::new(message, time, &host, &mut Holders::default(), &HOST.into());
            prop_assert!(!filter.matches(&talk), "{} of {:?}", filter, talk);
            let event = Event::new(record, time, &host, None);
            let event = EventRecord { event: &event, host: HOST };
            prop_assert!(!filter.matches(&event), "{} of {:?}", filter, event);
        }
    }
}
