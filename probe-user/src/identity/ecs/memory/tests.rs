use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn memory(limits: Limits) -> Memory {
    Memory::new(limits, MINUTE, MINUTE)
}

fn arn(number: usize) -> TaskArn {
    TaskArn::parse(&format!(
        "arn:aws:ecs:eu-west-1:012345678910:task/prod/{number:08x}"
    ))
    .unwrap()
}

fn service(desired: u32) -> Service {
    Service {
        key: ServiceKey {
            cluster: ClusterName::parse("prod").unwrap(),
            name: ServiceName::parse("web").unwrap(),
        },
        status: ServiceStatus::Told("ACTIVE".to_owned()),
        desired,
        running: 0,
        pending: 0,
        launch_type: None,
        deployments: Vec::new(),
    }
}

#[test]
fn the_version_grows_with_news_alone() {
    let memory = memory(Limits::default());
    let check = |grows: bool, change: &dyn Fn()| {
        let before = memory.version();
        change();
        assert_eq!(memory.version() > before, grows);
    };
    check(true, &|| memory.learn_task(Task::new(arn(1))));
    check(true, &|| memory.learn_service(service(1)));
    check(false, &|| memory.learn_service(service(1)));
    check(true, &|| memory.learn_service(service(2)));
    let entry = memory.task(&arn(1)).unwrap();
    let name = service(1).key.name;
    check(true, &|| memory.learn_service_of(&entry, name.clone()));
    check(false, &|| memory.learn_service_of(&entry, name.clone()));
    check(true, &|| memory.lose_service(&service(1).key));
    check(false, &|| memory.lose_service(&service(1).key));
}

#[test]
fn a_lost_service_keeps_what_was_known_and_when() {
    let memory = memory(Limits::default());
    memory.learn_service(service(3));
    let key = service(3).key;
    let before = memory.service(&key).unwrap();
    memory.lose_service(&key);
    let after = memory.service(&key).unwrap();
    assert_eq!((after.value.desired, after.told), (3, before.told));
    assert_eq!(after.value.status, ServiceStatus::Missing);
    assert!(memory.is_absent(&Absent::Service(key)));
}

#[test]
fn it_never_holds_more_than_its_bounds() {
    let bound = 100;
    let memory = memory(Limits {
        tasks: bound,
        absent: bound,
        ..Limits::default()
    });
    for number in 0..5_000 {
        memory.learn_task(Task::new(arn(number)));
        memory.forbid(Absent::Task(arn(number)));
    }
    memory.tidy();
    let stats = memory.stats();
    assert_eq!((stats.tasks, stats.evicted), (100, 4_900));
    assert!(memory.absent.entry_count() <= 100);
    // The latest are kept: what is here must not lose to what once was.
    assert!(memory.has_task(&arn(4_999)) && !memory.has_task(&arn(0)));
}
