//! The daemon behind its walls: they stand, and it does all it did without.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::fs;
use std::time::Duration;

use probe_tests::{Agent, Container, Engine, Fleet, Moto, Network, image, wait};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

/// Of each of the agent's threads, what `/proc` says of these fields.
fn of_every_thread(agent: &Agent, fields: [&str; 2]) -> Vec<[String; 2]> {
    let threads = fs::read_dir(format!("/proc/{}/task", agent.probe.pid())).unwrap();
    let statuses = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
    let field = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().to_owned()
    };
    statuses
        .map(|status| fields.map(|name| field(&status, name)))
        .collect()
}

/// The node of that name, once it is as wanted.
fn node(agent: &Agent, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    wait::until(&format!("{name} is known"), SOON, || {
        let graph = agent.unix.get("/api/v1/graph", &[])?.json()?;
        let nodes = graph["nodes"].as_array().unwrap().iter();
        let mut named = nodes.filter(|node| node["name"] == name && wanted(node));
        Ok(named.next().cloned())
    })
    .unwrap_or_else(|error| panic!("{error:#}: {}", agent.probe.stderr()))
}

fn serving<'engine>(
    engine: &'engine Engine,
    network: &Network<'_>,
    name: &str,
    task: &str,
) -> Container<'engine> {
    let label = |name: &str| format!("com.amazonaws.ecs.{name}");
    let container = Container::of(engine, &image::WORKLOAD, name)
        .unwrap()
        .on(network)
        .label(&label("cluster"), "prod")
        .label(&label("container-name"), "main")
        .label(&label("task-arn"), task)
        .command(["serve", "--port", "7000"])
        .run()
        .unwrap();
    container.wait_for_line("listening", SOON).unwrap();
    container
}

fn talk(engine: &Engine, network: &Network<'_>, name: &str, server: &Container<'_>) {
    let address = format!("{}:7000", server.ip(network).unwrap());
    Container::of(engine, &image::WORKLOAD, name)
        .unwrap()
        .on(network)
        .command(["connect", "--connections", "5", "--to", &address])
        .run()
        .unwrap()
        .tally()
        .unwrap();
}

#[test]
fn behind_walls_it_follows_engine_and_ecs_and_ticks() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let moto = Moto::start().unwrap();
    let fleet = Fleet::at(moto.address()).unwrap();
    fleet.cluster("prod").unwrap();
    let deployment = fleet.service("prod", "web").unwrap();
    let tasks = fleet.tasks("prod", 2, Some("service:web"), Some(&deployment));
    let tasks = tasks.unwrap();
    let endpoint = moto.endpoint();
    let env = [
        ("AWS_ENDPOINT_URL_ECS", endpoint.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let agent = Agent::start_with(&engine, &[], &env).unwrap();
    agent
        .probe
        .wait_for_stderr("confined by no_new_privs, seccomp", SOON)
        .unwrap();
    let check = || {
        let threads = of_every_thread(&agent, ["NoNewPrivs:", "Seccomp:"]);
        assert!(threads.len() > 1, "the server has a thread");
        for thread in threads {
            assert_eq!(thread, ["1", "2"], "no new privileges, and a filter");
        }
    };
    check();

    // The SDK finds its way, though it was built after the walls.
    let of_service = |node: &Value| node["ecs"]["service"] == "web";
    let first = serving(&engine, &network, "before", &tasks[0]);
    talk(&engine, &network, "early", &first);
    node(&agent, "before", of_service);

    engine.restart().unwrap();
    let mut events = agent.unix.follow("/api/v1/events").unwrap();
    let second = serving(&engine, &network, "after", &tasks[1]);
    // Before it has found the engine again, it hears of no new container.
    wait::until("the engine is followed again", SOON, || {
        let list = agent.unix.get("/api/v1/containers", &[])?.json()?;
        let mut listed = list["containers"].as_array().unwrap().iter();
        let known = listed.any(|one| one["name"] == "after" && one["state"] == "running");
        Ok(known.then_some(()))
    })
    .unwrap();
    talk(&engine, &network, "late", &second);
    node(&agent, "after", of_service);
    node(&agent, "late", |_| true);
    loop {
        let (_, event) = events.next_event().unwrap().unwrap();
        if event["type"] == "exec" && event["container"]["name"] == "late" {
            break;
        }
    }
    let graph = agent
        .unix
        .get("/api/v1/graph", &[])
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(graph["account"]["engines_silent"], 0);
    let said = agent.probe.stderr();
    assert!(!said.contains("ermission denied"), "{said}");
    assert!(!said.contains("not permitted"), "{said}");
    check();
}

#[test]
fn without_walls_it_says_so() {
    let engine = Engine::start().unwrap();
    let agent = Agent::start(&engine, &["--no-sandbox"]).unwrap();
    agent
        .probe
        .wait_for_stderr("not confined: --no-sandbox", SOON)
        .unwrap();
    for [filter, privileges] in of_every_thread(&agent, ["Seccomp:", "NoNewPrivs:"]) {
        // A filter of whoever runs the test is inherited.
        let own = fs::read_to_string("/proc/self/status").unwrap();
        assert!(own.contains(&format!("Seccomp:\t{filter}\n")), "{filter}");
        assert_eq!(privileges, "1");
    }
}
