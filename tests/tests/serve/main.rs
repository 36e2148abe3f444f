//! `probe run` as a daemon on a real engine, asked over real sockets.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod refusals;

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use probe_tests::{
    Agent, Container, Engine, Network,
    agent::{is_named, whole_edge},
    http::Door,
    image, place,
};
use probe_user::export;

const SOON: Duration = Duration::from_secs(20);
const CONNECTIONS: u64 = 200;
const READER: &str = "reader-0123456789";
const OPERATOR: &str = "operator-0123456789";

fn daemon(engine: &Engine, args: &[&str]) -> Agent {
    Agent::start(engine, args).unwrap()
}

#[test]
fn every_door_tells_what_the_workload_counted() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let daemon = daemon(&engine, &[]);
    let mut stream = daemon.tcp.follow("/api/v1/graph/stream").unwrap();
    assert_eq!(stream.next_event().unwrap().unwrap().0, "snapshot");
    let tally = Container::connecting(&engine, &network, "client", &address, CONNECTIONS)
        .unwrap()
        .tally()
        .unwrap();

    for door in [&daemon.tcp, &daemon.unix] {
        let edge = whole_edge(door, CONNECTIONS).unwrap();
        assert_eq!(edge["connections_opened"], tally.connections);
        assert_eq!(edge["bytes_sent"], tally.bytes_sent);
        assert_eq!(edge["bytes_received"], tally.bytes_received);
    }
    let sent = loop {
        let (name, delta) = stream.next_event().unwrap().unwrap();
        assert_eq!(
            (name.as_str(), &delta["schema"]),
            ("delta", &"probe.delta/v1".into())
        );
        let changed = delta["edges"]["changed"].as_array().unwrap().iter();
        let changed = changed.map(|pair| pair["after"].clone());
        let added = delta["edges"]["added"].as_array().unwrap().iter().cloned();
        let mut edges = changed.chain(added);
        if let Some(edge) = edges.find(|e| e["port"] == 7000 && e["connections_closed"] == 200) {
            break edge["bytes_sent"].clone();
        }
    };
    assert_eq!(sent, tally.bytes_sent);

    is_named(&daemon.tcp, "client").unwrap();
    let answer = daemon.tcp.get("/api/v1/graph", &[]).unwrap();
    export::json::read(&answer.text()).unwrap();
    for (format, word) in [
        ("dot", "digraph"),
        ("graphml", "<graphml"),
        ("mermaid", "flowchart"),
        ("csv", "source"),
    ] {
        let answer = daemon
            .tcp
            .get(&format!("/api/v1/graph?format={format}"), &[])
            .unwrap();
        assert!(answer.text().contains(word), "{format}: {}", answer.text());
    }
    let connections = daemon
        .tcp
        .get("/api/v1/connections", &[])
        .unwrap()
        .json()
        .unwrap();
    let connections = connections["connections"].as_array().unwrap();
    let connection = connections
        .iter()
        .find(|c| c["source"]["name"] == "client")
        .unwrap();
    assert_eq!(connection["actual_destination"], address);
    assert_eq!(connection["bytes_sent"], tally.bytes_sent);
    let containers = daemon
        .tcp
        .get("/api/v1/containers", &[])
        .unwrap()
        .json()
        .unwrap();
    let containers = containers["containers"].as_array().unwrap();
    assert!(
        containers
            .iter()
            .any(|c| c["name"] == "server" && c["state"] == "running")
    );
}

#[test]
fn commands_ask_the_agent_without_privileges() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let daemon = daemon(&engine, &[]);
    Container::connecting(&engine, &network, "client", &address, CONNECTIONS)
        .unwrap()
        .tally()
        .unwrap();
    whole_edge(&daemon.unix, CONNECTIONS).unwrap();
    is_named(&daemon.unix, "client").unwrap();
    let Door::Tcp(tcp) = &daemon.tcp else {
        panic!()
    };
    let (_directory, program) = readable_probe();
    let ask = |args: &[&str]| {
        let mut command = Command::new("setpriv");
        command
            .args(["--bounding-set", "-all", "--no-new-privs"])
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(&program)
            .args(args)
            .args(["--agent", &format!("http://{tcp}")]);
        let output = command.output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, graph, said) = ask(&["graph"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        graph
            .lines()
            .any(|l| l.starts_with("client") && l.contains("server")),
        "{graph}"
    );
    let (code, processes, said) = ask(&["ps", "--containers"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(processes.contains("server"), "{processes}");
    let (code, _, said) = ask(&["events", "--duration", "1s"]);
    assert_eq!(code, Some(1), "events need the scope");
    assert!(
        said.contains("403") && said.contains("scope arguments"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");
}

/// A copy, in a directory that is removed with it: the build's may be closed to others.
fn readable_probe() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let all = fs::Permissions::from_mode(0o755);
    fs::set_permissions(directory.path(), all.clone()).unwrap();
    let path = directory.path().join("probe");
    fs::copy(place::probe(), &path).unwrap();
    fs::set_permissions(&path, all).unwrap();
    (directory, path)
}

#[test]
fn a_reader_that_falls_behind_is_told_and_let_go() {
    let engine = Engine::start().unwrap();
    let container = Container::of(&engine, &image::BUSYBOX, "box")
        .unwrap()
        .command(["sleep", "600"])
        .run()
        .unwrap();
    let daemon = daemon(&engine, &[]);
    let mut slow = daemon.unix.follow("/api/v1/events").unwrap();
    let mut prompt = daemon.unix.follow("/api/v1/events").unwrap();
    container.exec(["sh", "-c", "true; /bin/true"]).unwrap();
    loop {
        let (name, event) = prompt.next_event().unwrap().unwrap();
        assert_eq!(name, "event");
        if event["type"] == "exec" && event["path"] == "/bin/true" {
            assert_eq!(event["container"]["name"], "box");
            break;
        }
    }
    drop(prompt);
    let many = "i=0; while [ $i -lt 6000 ]; do /bin/true; i=$((i+1)); done";
    container.exec(["sh", "-c", many]).unwrap();
    let last = loop {
        let (name, data) = slow.next_event().unwrap().unwrap();
        if name != "event" {
            break (name, data);
        }
    };
    assert_eq!(last.0, "dropped");
    assert!(last.1["missed"].as_u64().unwrap() > 0, "{}", last.1);
    assert!(slow.next_event().unwrap().is_none(), "and let go");
    let text = daemon.tcp.get("/metrics", &[]).unwrap().text();
    assert!(text.contains("probe_http_slow_readers_total 1\n"), "{text}");
}

/// Ids of the BPF links that a process holds.
fn links(process: &Path) -> Vec<String> {
    let infos = fs::read_dir(process.join("fdinfo"))
        .into_iter()
        .flatten()
        .flatten();
    let texts = infos.filter_map(|info| fs::read_to_string(info.path()).ok());
    let ids = texts.flat_map(|text| {
        let ids = text.lines().filter(|line| line.starts_with("link_id:"));
        ids.map(str::to_owned).collect::<Vec<_>>()
    });
    ids.collect()
}

#[test]
fn it_keeps_little_and_leaves_nothing() {
    let engine = Engine::start().unwrap();
    let daemon = daemon(&engine, &[]);
    let pid = daemon.probe.pid();
    let process = PathBuf::from(format!("/proc/{pid}"));
    let threads = fs::read_dir(process.join("task")).unwrap().flatten();
    let mut seen = 0;
    for thread in threads {
        // One that had nothing to do may have ended meanwhile.
        let Ok(status) = fs::read_to_string(thread.path().join("status")) else {
            continue;
        };
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().to_owned()
        };
        // CAP_SYS_PTRACE, if the test has it; and CAP_BPF where maps need it.
        let mask = 1 << 19 | 1 << 39;
        for set in ["CapEff:", "CapPrm:", "CapInh:", "CapBnd:", "CapAmb:"] {
            let bits = u64::from_str_radix(&field(set), 16).unwrap();
            assert_eq!(bits & !mask, 0, "{set} {}", thread.path().display());
        }
        assert_eq!(field("NoNewPrivs:"), "1");
        seen += 1;
    }
    assert!(seen > 1, "the server has a thread");
    let held = links(&process);
    assert!(held.len() > 5, "{held:?}");

    let mut stream = daemon.unix.follow("/api/v1/graph/stream").unwrap();
    stream.next_event().unwrap().unwrap();
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGTERM).unwrap();
    let printed = daemon.probe.wait(SOON).unwrap();
    assert_eq!(printed.stdout, "");
    assert!(!daemon.socket.exists());
    while let Ok(Some(_)) = stream.next_event() {}
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let left: Vec<_> = processes
        .flat_map(|process| links(&process.path()))
        .filter(|link| held.contains(link))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn its_configuration_says_where_each_value_is_from() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "interval = \"5s\"\nmax-flows = 100").unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let run = |args: &[&str]| {
        let mut command = Command::new(place::probe());
        command.args(["run", "--config", &path]).args(args);
        command.env("PROBE_MAX_FLOWS", "200").output().unwrap()
    };
    let output = run(&["--print-config", "--listen", "none"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let check = |setting: &str, origin: &str| {
        let line = text.lines().find(|line| line.starts_with(setting));
        let line = line.unwrap_or_else(|| panic!("no {setting}: {text}"));
        assert!(line.ends_with(&format!("# {origin}")), "{line}");
    };
    check("interval = \"5s\"", &path);
    check("max-flows = 200", "PROBE_MAX_FLOWS");
    check("listen = \"none\"", "--listen");
    check("socket = \"/run/probe.sock\"", "default");
    writeln!(file, "lissten = \"none\"").unwrap();
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the nearest is \"listen\""), "{said}");
}
