//! The probe's image, run as docs/deploy.md says: with the capabilities it names, and no privileges.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::fs;
use std::process::Command;
use std::time::Duration;

use probe_tests::{Container, Engine, Network, image, place};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);
/// As in docs/deploy.md and in every file of deploy/.
const CAPABILITIES: &[&str] = &["BPF", "PERFMON", "NET_ADMIN"];

/// `probe graph` as a container, with the capabilities it needs and none else.
fn probe(engine: &Engine) -> Container<'_> {
    let host = engine.host();
    let socket = host.strip_prefix("unix://").unwrap();
    let mut start = Container::of(engine, &image::PROBE, "probe").unwrap();
    for option in [
        "--pid=host",
        "--network=host",
        "--cgroupns=host",
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--volume=/sys/fs/cgroup:/sys/fs/cgroup:ro",
        &format!("--volume={socket}:/var/run/docker.sock:ro"),
    ] {
        start = start.option(option);
    }
    let options: &[&str] = if knows_bpf(engine) {
        &[
            "--cap-add=BPF",
            "--cap-add=PERFMON",
            "--cap-add=NET_ADMIN",
            "--security-opt=seccomp=unconfined",
        ]
    } else {
        // Its own filter lets the system calls of this one through.
        &["--cap-add=SYS_ADMIN"]
    };
    for option in options {
        start = start.option(option);
    }
    let command = ["graph", "--output", "json"];
    start.command(command).run().unwrap()
}

/// Docker before 23 knows neither capability, but the one that holds both.
fn knows_bpf(engine: &Engine) -> bool {
    let version = engine.docker(["version", "--format", "{{.Server.Version}}"]);
    let major = version
        .unwrap()
        .split('.')
        .next()
        .and_then(|word| word.parse().ok());
    major.is_some_and(|major: u32| major >= 23)
}

/// The graph among the lines it printed.
fn graph(printed: &str) -> Value {
    let start = printed
        .find('{')
        .unwrap_or_else(|| panic!("no graph: {printed}"));
    let mut documents = serde_json::Deserializer::from_str(&printed[start..]).into_iter();
    documents.next().unwrap().unwrap()
}

#[test]
fn without_privileges_it_sees_the_traffic_of_the_others() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let start = |name: &str, words: &[&str]| {
        let start = Container::of(&engine, &image::WORKLOAD, name).unwrap();
        start
            .on(&network)
            .command(words.iter().copied())
            .run()
            .unwrap()
    };
    let server = start("server", &["serve", "--port", "7000"]);
    server.wait_for_line("listening", SOON).unwrap();
    let to = format!("{}:7000", server.ip(&network).unwrap());
    let echo = start("echo", &["echo", "--port", "7000"]);
    echo.wait_for_line("listening", SOON).unwrap();
    let older = format!("{}:7000", echo.ip(&network).unwrap());
    let talk = start("talk", &["talk", "--to", &older, "--connections", "3"]);
    talk.wait_for_line("round 1", SOON).unwrap();

    let probe = probe(&engine);
    probe.wait_for_line("tracing", SOON).unwrap();
    let client = start("client", &["connect", "--to", &to, "--connections", "50"]);
    let tally = client.tally().unwrap();
    engine.docker(["kill", "--signal", "USR1", "talk"]).unwrap();
    talk.wait_for_line("round 2", SOON).unwrap();
    probe.stop().unwrap();
    assert_eq!(probe.wait().unwrap(), 0);

    let graph = graph(&probe.logs().unwrap());
    let id = |container: &Container<'_>| format!("container:{}", container.id());
    let edge = |from: &Container<'_>, to: &Container<'_>| {
        let mut edges = graph["edges"].as_array().unwrap().iter();
        let found = edges.find(|edge| edge["source"] == id(from) && edge["target"] == id(to));
        found
            .unwrap_or_else(|| panic!("no edge: {graph:#}"))
            .clone()
    };
    let made = edge(&client, &server);
    assert_eq!(made["connections_opened"], 50);
    assert_eq!(made["bytes_sent"], tally.bytes_sent);
    assert_eq!(made["bytes_received"], tally.bytes_received);
    let stood = edge(&talk, &echo);
    assert_eq!(stood["connections_existing"], 3, "{stood:#}");
    assert_eq!(stood["bytes_sent"], 300);
    let nodes = graph["nodes"].as_array().unwrap().iter();
    let names: Vec<_> = nodes.filter_map(|node| node["name"].as_str()).collect();
    for name in ["client", "server", "talk", "echo"] {
        assert!(names.contains(&name), "{name} not in {names:?}");
    }
}

/// Every set of capabilities with one missing, and what is said without it. The engine of these tests
/// may be too old to give them to a container one by one; `setpriv` is not.
#[test]
fn these_capabilities_are_enough_and_each_is_missed() {
    // The kernel's numbers, as an old `setpriv` knows no newer names.
    let numbers = [
        ("BPF", "cap_39"),
        ("PERFMON", "cap_38"),
        ("NET_ADMIN", "cap_12"),
    ];
    let run = |without: Option<&str>| {
        let kept = numbers.iter().filter(|(name, _)| Some(*name) != without);
        let kept: Vec<_> = kept.map(|(_, number)| format!("+{number}")).collect();
        Command::new("setpriv")
            .arg("--no-new-privs")
            .arg(format!("--bounding-set=-all,{}", kept.join(",")))
            .arg(place::probe())
            .args(["graph", "--duration", "100ms"])
            .output()
            .unwrap()
    };
    let output = run(None);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("tracing on"), "{said}");
    assert!(!said.contains("not known"), "{said}");
    for (name, code, words) in [
        ("BPF", 1, "lacks CAP_BPF,"),
        ("PERFMON", 1, "lacks CAP_PERFMON,"),
        (
            "NET_ADMIN",
            0,
            "not known are whom unconnected UDP sockets talk to",
        ),
    ] {
        let output = run(Some(name));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn the_files_of_deploy_give_these_and_no_others() {
    let file = |name: &str| fs::read_to_string(place::root().join("deploy").join(name)).unwrap();
    let listed = CAPABILITIES.join(", ");
    for (name, line) in [
        ("compose.yaml", format!("cap_add: [{listed}]")),
        ("kubernetes.yaml", format!("add: [{listed}]")),
        (
            "docker-run.sh",
            "--cap-add BPF --cap-add PERFMON --cap-add NET_ADMIN ".to_owned(),
        ),
        (
            "probe.service",
            "CapabilityBoundingSet=CAP_BPF CAP_PERFMON CAP_NET_ADMIN\n".to_owned(),
        ),
    ] {
        assert!(file(name).contains(&line), "{name} lacks {line:?}");
    }
    let task: Value = serde_json::from_str(&file("ecs-daemon.json")).unwrap();
    let container = &task["containerDefinitions"][0];
    let added = &container["linuxParameters"]["capabilities"]["add"];
    assert_eq!(added, &serde_json::json!(["SYS_ADMIN"]));
    assert_eq!(container["privileged"], Value::Null);
}
