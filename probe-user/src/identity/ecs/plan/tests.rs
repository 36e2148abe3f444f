use super::*;
use crate::identity::ecs::service::{Deployment, ServiceStatus};

fn cluster(name: &str) -> ClusterName {
    ClusterName::parse(name).unwrap()
}

fn service_name(name: &str) -> ServiceName {
    ServiceName::parse(name).unwrap()
}

fn service_key(text: &str) -> ServiceKey {
    let (in_cluster, name) = text.split_once('/').unwrap();
    ServiceKey {
        cluster: cluster(in_cluster),
        name: service_name(name),
    }
}

fn arn(number: usize) -> TaskArn {
    TaskArn::parse(&format!(
        "arn:aws:ecs:eu-west-1:012345678910:task/prod/{number:08x}"
    ))
    .unwrap()
}

fn task(group: Option<&str>, started_by: Option<&str>) -> Task {
    Task {
        group: group.map(str::to_owned),
        started_by: started_by.map(str::to_owned),
        ..Task::new(arn(1))
    }
}

fn service(key: &str, deployments: &[&str]) -> Service {
    let deployment = |id: &&str| Deployment {
        id: (*id).to_owned(),
        status: "ACTIVE".to_owned(),
        rollout: None,
    };
    Service {
        key: service_key(key),
        status: ServiceStatus::Told("ACTIVE".to_owned()),
        desired: 1,
        running: 1,
        pending: 0,
        launch_type: None,
        deployments: deployments.iter().map(deployment).collect(),
    }
}

fn check_calls(items: &[(&str, usize)], size: usize, expected: &[(&str, usize)]) {
    let items = items
        .iter()
        .flat_map(|&(name, count)| (0..count).map(move |n| (cluster(name), n)));
    let calls = calls(items, size);
    let counts: Vec<_> = calls
        .iter()
        .map(|(c, items)| (c.as_str(), items.len()))
        .collect();
    assert_eq!(counts, expected);
}

#[test]
fn calls_are_full_but_for_the_last_of_each_cluster() {
    check_calls(&[], 100, &[]);
    check_calls(&[("a", 1)], 100, &[("a", 1)]);
    check_calls(&[("a", 100)], 100, &[("a", 100)]);
    check_calls(
        &[("a", 101), ("b", 5)],
        100,
        &[("a", 100), ("a", 1), ("b", 5)],
    );
    check_calls(
        &[("a", 2), ("b", 1), ("a", 2)],
        usize::MAX,
        &[("a", 4), ("b", 1)],
    );
}

proptest::proptest! {
    #[test]
    fn every_item_is_in_exactly_one_call(counts in proptest::collection::vec(0usize..300, 0..5), size in 1usize..120) {
        let items = counts.iter().enumerate().flat_map(|(c, &count)| {
            (0..count).map(move |n| (cluster(&format!("c{c}")), (c, n)))
        });
        let calls = calls(items, size);
        let expected: usize = counts.iter().map(|count| count.div_ceil(size)).sum();
        proptest::prop_assert_eq!(calls.len(), expected);
        let all: BTreeSet<_> = calls.iter().flat_map(|(_, items)| items).collect();
        proptest::prop_assert_eq!(all.len(), counts.iter().sum::<usize>());
    }
}

#[test]
fn services_overdue_the_longest_are_refreshed_first() {
    let now = std::time::Instant::now();
    let ago = |seconds| now.checked_sub(Duration::from_secs(seconds));
    let services = BTreeMap::from([
        (service_key("a/1"), ago(1)),
        (service_key("a/2"), ago(2)),
        (service_key("b/1"), ago(9)),
        (service_key("c/1"), None),
        (service_key("c/2"), ago(1)),
        (service_key("c/3"), ago(1)),
    ]);
    let calls = refresh(services, 2);
    let calls: Vec<_> = calls
        .iter()
        .map(|(c, names)| {
            let names: Vec<_> = names.iter().map(ServiceName::as_str).collect();
            format!("{c}: {}", names.join(" "))
        })
        .collect();
    assert_eq!(calls, ["c: 1 2", "c: 3", "b: 1", "a: 2 1"]);
}

#[test]
fn what_was_just_described_is_not_described_again() {
    let listed = |name: &str| {
        ServiceArn::parse(&format!(
            "arn:aws:ecs:eu-west-1:012345678910:service/a/{name}"
        ))
        .unwrap()
    };
    let described = HashSet::from([service_key("a/1"), service_key("b/2")]);
    let names = |limit| {
        let listed = vec![listed("1"), listed("2"), listed("3"), listed("2")];
        undescribed(&listed, &cluster("a"), &described, limit)
    };
    assert_eq!(names(9), (vec![service_name("2"), service_name("3")], 0));
    assert_eq!(names(1), (vec![service_name("2")], 1));
}

#[test]
fn a_task_is_of_the_service_its_group_names_else_of_its_deployments() {
    let mut deployments = Deployments::default();
    deployments.add(&service("prod/web", &["ecs-svc/1", "ecs-svc/2"]));
    deployments.add(&service("test/db", &["ecs-svc/3"]));
    let check = |group, started_by, expected: Option<&str>| {
        let found = deployments.service_of(&task(group, started_by), &cluster("prod"));
        assert_eq!(found.as_ref().map(ServiceName::as_str), expected);
    };
    check(Some("service:api"), Some("ecs-svc/1"), Some("api"));
    check(Some("nightly"), Some("ecs-svc/2"), Some("web"));
    check(Some("family:web"), Some("ecs-svc/2"), Some("web"));
    check(None, Some("ecs-svc/3"), None);
    check(None, None, None);
}

#[test]
fn only_a_starter_that_may_be_a_service_is_looked_for() {
    let check = |group, started_by, expected: Option<&str>| {
        assert_eq!(starter(&task(group, started_by)), expected);
    };
    check(Some("service:web"), Some("ecs-svc/1"), Some("service:web"));
    check(Some("nightly"), Some("ecs-svc/1"), Some("ecs-svc/1"));
    check(None, Some("ecs-svc/1"), Some("ecs-svc/1"));
    check(Some("family:web"), Some("ecs-svc/1"), None);
    check(Some("nightly"), None, None);
    check(None, None, None);
}

#[test]
fn tasks_are_asked_for_when_no_more_come_or_after_a_while() {
    let look = Duration::from_millis(500);
    let mut settling = Settling::new(look * 4);
    let mut now = Instant::now();
    let mut looks = Vec::new();
    for new in [0, 3, 50, 50, 0, 1, 2, 3, 4, 5, 6, 6] {
        looks.push(settling.settled(new, now));
        now += look;
    }
    assert_eq!(
        looks,
        [
            true, false, false, true, true, false, false, false, false, true, false, true
        ]
    );
}

#[test]
fn the_bound_keeps_the_same_tasks() {
    let mut tasks: BTreeMap<_, _> = (0..5).map(|n| (arn(n), cluster("prod"))).collect();
    assert_eq!(bounded(&mut tasks, 9), 0);
    assert_eq!(bounded(&mut tasks, 2), 3);
    assert_eq!(tasks.into_keys().collect::<Vec<_>>(), [arn(0), arn(1)]);
}
