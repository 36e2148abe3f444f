use super::*;
use crate::identity::container::Attachment;

const WEB: &str = "3f2a1b4c5d6e7f8091a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4";
const DB: &str = "9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961";

/// A follower, what it wrote to, and a clock.
struct Scene {
    follower: Follower,
    directory: Arc<Directory>,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        let directory = Arc::new(Directory::default());
        let engine = "unix:///docker.sock".into();
        Self {
            follower: Follower::new(Arc::clone(&directory), engine, Runtime::Docker),
            directory,
            now: Instant::now(),
        }
    }

    fn event(&mut self, id: &str, what: What, name: &str) {
        let event = Event {
            id: ContainerId::new(id),
            at: jiff::Timestamp::from_second(1_700_000_000).unwrap(),
            what,
            name: Some(name.into()),
            image: Some("nginx:1.27".into()),
            labels: None,
        };
        self.follower.event(event, self.now);
    }

    fn answer(&mut self, id: &str, facts: Facts) {
        self.follower
            .answered(&ContainerId::new(id), Some(facts), self.now);
    }

    fn container(&self, id: &str) -> Arc<Container> {
        self.directory.container(&ContainerId::new(id)).unwrap()
    }

    fn name(&self, id: &str) -> String {
        self.container(id).display_name().to_owned()
    }

    /// What is asked of the engine now.
    fn asked(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.follower.next_question())
            .map(|id| id.to_string())
            .collect()
    }
}

fn facts(id: &str, name: &str, life: Life) -> Facts {
    Facts {
        name: Some(name.into()),
        life: Some(life),
        pid: Some(4711),
        networks: Some(vec![Attachment {
            network: "bridge".into(),
            addresses: vec!["172.17.0.2".parse().unwrap()],
        }]),
        ..Facts::new(
            ContainerId::new(id),
            "unix:///docker.sock".into(),
            Runtime::Docker,
        )
    }
}

#[test]
fn a_container_is_named_when_made_and_asked_about_when_started() {
    let mut scene = Scene::new();
    scene.event(WEB, What::Created, "web");
    assert_eq!(scene.name(WEB), "web");
    assert_eq!(scene.container(WEB).life, Life::Created);
    assert_eq!(scene.asked(), Vec::<String>::new());
    scene.event(WEB, What::Started, "web");
    assert_eq!(scene.asked(), [WEB]);
    scene.answer(WEB, facts(WEB, "web", Life::Running));
    assert_eq!(scene.container(WEB).pid, Some(4711));
}

#[test]
fn an_answer_never_undoes_a_rename() {
    let mut scene = Scene::new();
    scene.event(WEB, What::Started, "old");
    assert_eq!(scene.asked(), [WEB]);
    scene.event(WEB, What::Changed, "new");
    assert_eq!(scene.asked(), Vec::<String>::new(), "it is asked already");
    scene.answer(WEB, facts(WEB, "old", Life::Running));
    assert_eq!(scene.name(WEB), "new");
    assert_eq!(scene.asked(), [WEB], "the answer was outdated");
    scene.answer(WEB, facts(WEB, "new", Life::Running));
    assert_eq!(scene.container(WEB).pid, Some(4711));
}

#[test]
fn an_answer_never_revives_the_dead_but_tells_the_address_they_had() {
    let mut scene = Scene::new();
    scene.event(WEB, What::Started, "web");
    assert_eq!(scene.asked(), [WEB]);
    scene.event(WEB, What::Ended, "web");
    scene.answer(WEB, facts(WEB, "web", Life::Running));
    let container = scene.container(WEB);
    assert!(container.is_ended());
    assert_eq!(container.pid, None);
    let owner = scene
        .directory
        .owner_of("172.17.0.2".parse().unwrap())
        .unwrap();
    assert_eq!(owner.id, container.id);
    assert_eq!(scene.asked(), Vec::<String>::new());
}

#[test]
fn the_ended_are_not_asked_about() {
    let mut scene = Scene::new();
    scene.event(WEB, What::Started, "web");
    scene.event(WEB, What::Ended, "web");
    assert_eq!(scene.asked(), Vec::<String>::new());
    scene.event(WEB, What::Started, "web");
    assert_eq!(scene.asked(), [WEB], "until they are started again");
}

#[test]
fn few_questions_are_under_way_at_once() {
    let mut scene = Scene::new();
    let ids: Vec<String> = (0..20).map(|n| format!("{n:064x}")).collect();
    for id in &ids {
        scene.event(id, What::Started, "one of many");
    }
    assert_eq!(scene.asked(), &ids[..AT_ONCE]);
    scene.answer(&ids[3], facts(&ids[3], "one of many", Life::Running));
    assert_eq!(scene.asked(), &ids[AT_ONCE..=AT_ONCE]);
    scene
        .follower
        .answered(&ContainerId::new(&ids[0]), None, scene.now);
    assert_eq!(scene.asked(), &ids[AT_ONCE + 1..=AT_ONCE + 1]);
}

#[test]
fn a_list_never_undoes_what_events_told_meanwhile() {
    let mut scene = Scene::new();
    scene.event(WEB, What::Ended, "renamed");
    let listed = vec![
        facts(WEB, "web", Life::Running),
        facts(DB, "db", Life::Running),
    ];
    scene.follower.listed(listed, scene.now);
    assert!(scene.container(WEB).is_ended());
    assert_eq!(scene.name(WEB), "renamed");
    assert_eq!(scene.name(DB), "db");
    assert_eq!(scene.asked(), [DB]);
}

#[test]
fn what_an_engine_no_longer_lists_has_ended() {
    let mut scene = Scene::new();
    let other = Facts::new(
        ContainerId::new(DB),
        "tcp://other:2375".into(),
        Runtime::Docker,
    );
    scene.directory.upsert(other, scene.now);
    scene
        .directory
        .upsert(facts(WEB, "web", Life::Running), scene.now);
    scene.follower.listed(Vec::new(), scene.now);
    assert!(scene.container(WEB).is_ended());
    assert!(!scene.container(DB).is_ended(), "another engine's");
}

#[test]
fn leaving_a_network_frees_its_address_at_once() {
    let mut scene = Scene::new();
    scene
        .directory
        .upsert(facts(WEB, "web", Life::Running), scene.now);
    scene.event(WEB, What::Disconnected("bridge".into()), "web");
    assert_eq!(scene.container(WEB).networks, []);
    assert_eq!(
        scene.directory.owner_of("172.17.0.2".parse().unwrap()),
        None
    );
}
