//! `probe events` and `probe run` against a real engine.

use std::time::Duration;

use probe_tests::{Container, Engine, Network, Probe, image, objects};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

#[test]
fn an_exec_in_a_container_is_seen_with_its_container() {
    let engine = Engine::start().unwrap();
    let container = Container::of(&engine, &image::BUSYBOX, "box")
        .unwrap()
        .command(["sleep", "600"])
        .run()
        .unwrap();
    let probe = Probe::start(&engine, ["events", "-o", "json"]).unwrap();
    let many = "x".repeat(5000);
    container
        .exec([
            "sh",
            "-c",
            "/bin/true --at once; /bin/true $0; exit 3",
            &many,
        ])
        .unwrap_err();
    let brief = Container::of(&engine, &image::BUSYBOX, "brief")
        .unwrap()
        .command(["true"])
        .run()
        .unwrap();
    brief.wait().unwrap();
    let printed = probe.interrupt().unwrap().stdout;
    let events = objects(&printed).unwrap();
    let of = |kind: &str, command: &str, name: &str| {
        let found = events.iter().find(|event| {
            event["type"] == kind
                && event["command"] == command
                && event["container"]["name"] == name
        });
        found.unwrap_or_else(|| panic!("no {kind} of {command} in {name}: {printed}"))
    };
    let exec = of("exec", "true", "box");
    assert_eq!(exec["path"], "/bin/true");
    // Gone before anybody could look at /proc.
    assert_eq!(exec["command_line"], "/bin/true --at once");
    let long = events.iter().find_map(|event| {
        let line = event["command_line"].as_str()?;
        line.starts_with("/bin/true xxx").then_some(line)
    });
    assert_eq!(long.unwrap().len(), 4096, "cut");
    let exit = events
        .iter()
        .find(|event| event["type"] == "exit" && event["pid"] == exec["pid"]);
    let exit = exit.unwrap_or_else(|| panic!("{exec:#} has no end: {printed}"));
    for key in ["vpid", "parent", "uid", "path", "command_line"] {
        assert_eq!(exit[key], exec[key], "{key}");
    }
    assert!(exec["vpid"].as_u64().unwrap() < exec["pid"].as_u64().unwrap());
    let seconds = |key: &str| exit[key].as_f64().unwrap();
    assert!(seconds("cpu_seconds") > 0.0 && seconds("cpu_seconds") <= seconds("run_seconds"));
    assert_eq!(exec["container"]["id"], container.id());
    assert_eq!(exec["container"]["image"], "busybox");
    assert_eq!(of("exit", "sh", "box")["status"], 3);
    assert_eq!(of("exit", "true", "box")["status"], 0);
    of("exec", "true", "brief");
    let made = events.iter().find(|event| {
        let path = event["path"].as_str().unwrap_or_default();
        event["type"] == "cgroup-made" && path.ends_with(brief.id())
    });
    assert!(made.is_some(), "{printed}");
}

#[test]
fn arguments_run_times_signals_and_lives_are_told() {
    let engine = Engine::start().unwrap();
    let args = [
        "events",
        "-o",
        "json",
        "--filter",
        "container.name in (brief, box)",
    ];
    let probe = Probe::start(&engine, args).unwrap();
    let container = Container::of(&engine, &image::BUSYBOX, "box")
        .unwrap()
        .command(["sh", "-c", "/bin/sleep 600 & /bin/sleep 601; :"])
        .run()
        .unwrap();
    let brief = Container::of(&engine, &image::BUSYBOX, "brief")
        .unwrap()
        .command(["sh", "-c", "/bin/sleep 1; exit 3"])
        .run()
        .unwrap();
    brief.wait().unwrap();
    engine.docker(["kill", container.id()]).unwrap();
    // An end is told at a tick after the engine has told it.
    probe
        .wait_for_stdout("both have ended", SOON, |printed| {
            printed.matches("\"container-stop\"").count() == 2
        })
        .unwrap();
    let printed = probe.interrupt().unwrap().stdout;
    let events = objects(&printed).unwrap();
    let of = |kind: &str, name: &str, is: &dyn Fn(&Value) -> bool| {
        let found = events
            .iter()
            .find(|event| event["type"] == kind && event["container"]["name"] == name && is(event));
        found
            .unwrap_or_else(|| panic!("no {kind} of {name}: {printed}"))
            .clone()
    };
    for event in &events {
        let name = event["container"]["name"].as_str().unwrap();
        assert!(["box", "brief"].contains(&name), "{event:#}");
    }
    let sleep = of("exec", "box", &|event| {
        event["command_line"] == "/bin/sleep 601"
    });
    assert_eq!(sleep["path"], "/bin/sleep");
    let exit = of("exit", "box", &|event| event["pid"] == sleep["pid"]);
    assert_eq!(exit["signal"], 9);
    let exit = of("exit", "brief", &|event| event["command"] == "sleep");
    let ran = exit["run_seconds"].as_f64().unwrap();
    assert!((1.0..20.0).contains(&ran), "{ran}");
    for name in ["box", "brief"] {
        let start = of("container-start", name, &|_| true);
        let stop = of("container-stop", name, &|_| true);
        let told = engine
            .docker(["inspect", "--format", "{{.State.StartedAt}}", name])
            .unwrap();
        // The engine's event is of a moment after that.
        let [start_time, told] = [start["time"].as_str().unwrap(), &told]
            .map(|time| time.parse::<jiff::Timestamp>().unwrap());
        assert_eq!(start_time.duration_since(told).as_secs(), 0, "{start:#}");
        assert!(
            start["time"].as_str() < stop["time"].as_str(),
            "{start:#} {stop:#}"
        );
    }
}

#[test]
fn run_prints_a_line_for_each_edge_that_has_news() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, to) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let args = ["run", "-o", "lines", "--listen", "none", "--socket", "none"];
    let args = args.iter().chain(&["--interval", "200ms"]);
    let probe = Probe::start(&engine, args).unwrap();
    let client = Container::of(&engine, &image::WORKLOAD, "client")
        .unwrap()
        .on(&network)
        .command(["connect", "--to", &to, "--connections", "100"])
        .run()
        .unwrap();
    assert_eq!(client.tally().unwrap().connections, 100);
    probe
        .wait_for_stdout("all connections are told", SOON, |printed| {
            let of_edge = |line: &&str| line.contains("client -> server:7000");
            let last = printed.lines().rfind(of_edge);
            last.is_some_and(|last| last.contains(" conns 100 failed 0 "))
        })
        .unwrap();
    probe.interrupt().unwrap();
}
