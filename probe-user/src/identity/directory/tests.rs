use super::*;
use crate::identity::container::{Attachment, Life, NetworkMode};
use crate::identity::layout::Runtime;

const WEB: &str = "3f2a1b4c5d6e7f8091a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4";
const DB: &str = "9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961";
const ADDRESS: &str = "172.17.0.2";

fn id(text: &str) -> ContainerId {
    ContainerId::new(text)
}

fn path(text: &str) -> String {
    format!("/docker/{text}")
}

fn address() -> IpAddr {
    ADDRESS.parse().unwrap()
}

fn facts(text: &str) -> Facts {
    Facts {
        life: Some(Life::Running),
        ..Facts::new(id(text), "unix:///docker.sock".into(), Runtime::Docker)
    }
}

fn named(text: &str, name: &str) -> Facts {
    Facts {
        name: Some(name.into()),
        ..facts(text)
    }
}

fn addressed(text: &str) -> Facts {
    Facts {
        networks: Some(vec![Attachment {
            network: "bridge".into(),
            addresses: vec![address()],
        }]),
        ..facts(text)
    }
}

fn owner(directory: &Directory) -> Option<String> {
    directory.owner_of(address()).map(|c| c.id.to_string())
}

#[test]
fn a_path_alone_names_a_container() {
    let directory = Directory::default();
    directory.cgroup_made(CgroupId(7), &path(WEB));
    directory.cgroup_made(CgroupId(8), "/system.slice/nginx.service");
    let container = directory.container_of(CgroupId(7)).unwrap();
    assert_eq!(container.id, id(WEB));
    assert_eq!(container.runtime, Runtime::Docker);
    assert_eq!(container.cgroup, Some(CgroupId(7)));
    assert_eq!(container.cgroup_path.as_deref(), Some(&*path(WEB)));
    assert_eq!(container.display_name(), &WEB[..12]);
    assert_eq!(directory.container_of(CgroupId(8)), None);
    assert_eq!(
        directory.path_of(CgroupId(8)).as_deref(),
        Some("/system.slice/nginx.service")
    );
    assert_eq!(directory.path_of(CgroupId(9)), None);
}

#[test]
fn a_cgroup_inside_a_containers_cgroup_is_the_containers() {
    let directory = Directory::default();
    let inner = format!("{}/docker/{DB}", path(WEB));
    directory.cgroup_made(CgroupId(9), &inner);
    directory.cgroup_made(CgroupId(7), &path(WEB));
    let container = directory.container_of(CgroupId(9)).unwrap();
    assert_eq!(container.id, id(WEB));
    assert_eq!(container.cgroup, Some(CgroupId(7)));
    directory.cgroup_removed(CgroupId(9), Instant::now());
    assert!(!directory.container_of(CgroupId(7)).unwrap().is_ended());
}

#[test]
fn path_and_engine_may_come_in_either_order() {
    let now = Instant::now();
    for engine_first in [false, true] {
        let directory = Directory::default();
        if engine_first {
            assert!(directory.upsert(named(WEB, "web"), now));
        }
        directory.cgroup_made(CgroupId(7), &path(WEB));
        if !engine_first {
            assert!(directory.upsert(named(WEB, "web"), now));
        }
        let container = directory.container_of(CgroupId(7)).unwrap();
        assert_eq!(container.name.as_deref(), Some("web"));
        assert_eq!(container.cgroup, Some(CgroupId(7)));
    }
}

#[test]
fn what_an_engine_leaves_out_stays() {
    let (directory, now) = (Directory::default(), Instant::now());
    directory.upsert(named(WEB, "web"), now);
    directory.upsert(addressed(WEB), now);
    let container = directory.container(&id(WEB)).unwrap();
    assert_eq!(container.name.as_deref(), Some("web"));
    assert_eq!(container.addresses().collect::<Vec<_>>(), [address()]);
}

#[test]
fn the_engine_names_the_runtime_where_the_path_does_not() {
    let directory = Directory::default();
    directory.cgroup_made(CgroupId(7), &format!("/actions_job/{WEB}"));
    let runtime = || directory.container(&id(WEB)).unwrap().runtime;
    assert_eq!(runtime(), Runtime::Unknown);
    directory.upsert(facts(WEB), Instant::now());
    assert_eq!(runtime(), Runtime::Docker);
}

#[test]
fn a_late_word_of_making_does_not_undo_a_start() {
    let directory = Directory::default();
    directory.cgroup_made(CgroupId(7), &path(WEB));
    let created = Facts {
        life: Some(Life::Created),
        ..named(WEB, "web")
    };
    directory.upsert(created, Instant::now());
    let container = directory.container(&id(WEB)).unwrap();
    assert_eq!(container.life, Life::Running);
    assert_eq!(container.name.as_deref(), Some("web"));
}

#[test]
fn the_gone_stay_known_for_a_minute() {
    let (directory, now) = (Directory::default(), Instant::now());
    directory.upsert(named(WEB, "web"), now);
    directory.cgroup_made(CgroupId(7), &path(WEB));
    directory.cgroup_removed(CgroupId(7), now);
    directory.sweep(now + KEPT.mul_f64(0.99));
    let container = directory.container_of(CgroupId(7)).unwrap();
    assert!(container.is_ended());
    assert_eq!(container.name.as_deref(), Some("web"));
    directory.sweep(now + KEPT);
    assert_eq!(directory.container_of(CgroupId(7)), None);
    assert_eq!(directory.path_of(CgroupId(7)), None);
    assert_eq!(directory.container(&id(WEB)), None);
}

#[test]
fn a_restarted_container_is_kept() {
    let (directory, now) = (Directory::default(), Instant::now());
    directory.cgroup_made(CgroupId(7), &path(WEB));
    directory.ended(&id(WEB), None, now);
    directory.cgroup_made(CgroupId(8), &path(WEB));
    // The old cgroup's end comes late and is not the new one's.
    directory.cgroup_removed(CgroupId(7), now);
    directory.sweep(now + KEPT * 2);
    let container = directory.container_of(CgroupId(8)).unwrap();
    assert!(!container.is_ended());
    assert_eq!(container.cgroup, Some(CgroupId(8)));
    assert_eq!(directory.path_of(CgroupId(7)), None);
}

#[test]
fn the_first_time_told_is_when_a_container_ended() {
    let (directory, now) = (Directory::default(), Instant::now());
    let at = |second| Timestamp::from_second(second).ok();
    let finished = || directory.container(&id(WEB)).unwrap().finished;
    directory.cgroup_made(CgroupId(7), &path(WEB));
    directory.cgroup_removed(CgroupId(7), now);
    assert_eq!(finished(), None, "a cgroup has no clock");
    directory.ended(&id(WEB), at(100), now);
    directory.ended(&id(WEB), at(200), now);
    assert_eq!(finished(), at(100), "it died, then it was removed");
    directory.cgroup_made(CgroupId(8), &path(WEB));
    assert_eq!(finished(), None, "it runs again");
    let stale = Facts {
        finished: at(100),
        ..facts(WEB)
    };
    directory.upsert(stale, now);
    assert_eq!(finished(), None, "that was the run before");
    directory.ended(&id(WEB), at(300), now);
    assert_eq!(finished(), at(300));
}

#[test]
fn an_address_passes_from_the_ended_to_the_next_holder() {
    let (directory, now) = (Directory::default(), Instant::now());
    directory.upsert(addressed(WEB), now);
    directory.ended(&id(WEB), None, now);
    assert_eq!(owner(&directory).as_deref(), Some(WEB));
    directory.upsert(addressed(DB), now);
    assert_eq!(owner(&directory).as_deref(), Some(DB));
    // An answer about the first that comes late takes nothing back.
    let late = Facts {
        life: None,
        ..addressed(WEB)
    };
    directory.upsert(late, now);
    directory.sweep(now + KEPT);
    assert_eq!(owner(&directory).as_deref(), Some(DB));
}

#[test]
fn an_address_taken_away_is_no_ones() {
    let (directory, now) = (Directory::default(), Instant::now());
    directory.upsert(addressed(WEB), now);
    let disconnected = Facts {
        networks: Some(Vec::new()),
        ..facts(WEB)
    };
    directory.upsert(disconnected, now);
    assert_eq!(owner(&directory), None);
    assert_eq!(directory.counts().addresses, 0);
}

#[test]
fn traffic_tells_an_address_until_an_engine_does() {
    let (directory, now) = (Directory::default(), Instant::now());
    directory.cgroup_made(CgroupId(7), &path(WEB));
    directory.cgroup_made(CgroupId(8), &path(DB));
    directory.address_seen(address(), CgroupId(7));
    directory.address_seen(address(), CgroupId(8));
    assert_eq!(owner(&directory).as_deref(), Some(WEB), "the first stands");
    directory.cgroup_removed(CgroupId(7), now);
    directory.address_seen(address(), CgroupId(8));
    assert_eq!(owner(&directory).as_deref(), Some(DB), "it ended");
    directory.upsert(addressed(WEB), now);
    assert_eq!(owner(&directory).as_deref(), Some(WEB), "the engine wins");
}

#[test]
fn traffic_is_no_evidence_of_shared_addresses() {
    for mode in [NetworkMode::Host, NetworkMode::Of("other".into())] {
        let directory = Directory::default();
        directory.cgroup_made(CgroupId(7), &path(WEB));
        let facts = Facts {
            network_mode: Some(mode),
            ..facts(WEB)
        };
        directory.upsert(facts, Instant::now());
        directory.address_seen(address(), CgroupId(7));
        assert_eq!(owner(&directory), None);
    }
    let directory = Directory::default();
    directory.cgroup_made(CgroupId(7), &path(WEB));
    for text in [
        "127.0.0.1",
        "::1",
        "::",
        "0.0.0.0",
        "224.0.0.1",
        "ff02::1",
        "fe80::1",
        "::ffff:127.0.0.1",
    ] {
        directory.address_seen(text.parse().unwrap(), CgroupId(7));
        assert_eq!(directory.counts().addresses, 0, "{text}");
    }
}

#[test]
fn the_version_moves_with_the_facts_only() {
    let (directory, now) = (Directory::default(), Instant::now());
    let check = |moves: bool, change: &dyn Fn()| {
        let before = directory.version();
        change();
        assert_eq!(directory.version() > before, moves);
    };
    for moves in [true, false] {
        check(moves, &|| directory.cgroup_made(CgroupId(7), &path(WEB)));
    }
    for moves in [true, false] {
        check(moves, &|| {
            directory.upsert(named(WEB, "web"), now);
        });
    }
    for moves in [true, false] {
        check(moves, &|| directory.address_seen(address(), CgroupId(7)));
    }
    for moves in [true, false] {
        check(moves, &|| directory.ended(&id(WEB), None, now));
    }
    for moves in [true, false] {
        check(moves, &|| directory.sweep(now + KEPT));
    }
}

#[test]
fn the_gone_make_room_and_the_living_do_not() {
    let now = Instant::now();
    let directory = Directory::new(Limits {
        cgroups: 2,
        containers: 1,
    });
    directory.cgroup_made(CgroupId(1), &path(WEB));
    directory.cgroup_made(CgroupId(2), &path(DB));
    directory.cgroup_made(CgroupId(3), "/third");
    let counts = directory.counts();
    assert_eq!((counts.containers_refused, counts.cgroups_refused), (1, 1));
    assert!(!directory.upsert(facts(DB), now));
    assert_eq!(directory.container_of(CgroupId(2)), None);

    directory.cgroup_removed(CgroupId(1), now);
    assert!(directory.upsert(facts(DB), now));
    directory.cgroup_made(CgroupId(3), "/third");
    let counts = directory.counts();
    assert_eq!((counts.containers_evicted, counts.cgroups_evicted), (1, 1));
    assert_eq!((counts.containers, counts.cgroups), (1, 2));
    assert_eq!(directory.container_of(CgroupId(2)).unwrap().id, id(DB));
    assert_eq!(directory.path_of(CgroupId(1)), None);
}

#[test]
fn a_scan_takes_in_a_tree() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(temp.path().join(format!("docker/{WEB}/init"))).unwrap();
    let directory = Directory::default();
    let found = directory.scan(&CgroupMount::at(temp.path())).unwrap();
    assert_eq!((found, directory.counts().cgroups), (4, 4));
    let container = directory.container(&id(WEB)).unwrap();
    assert_eq!(container.cgroup_path.as_deref(), Some(&*path(WEB)));
    let missing = directory.scan(&CgroupMount::at(temp.path().join("none")));
    assert!(matches!(missing, Err(CgroupError::Read { .. })));
}
