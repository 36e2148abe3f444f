//! Two hosts with a router between, and what each of them saw, merged.
//!
//! The hosts are network namespaces. A probe that looks at its own alone knows no more than one on
//! such a host would: its kernel side has maps of its own, and never hears of the other end. One
//! that looks at all joins both ends by sequence; what each host would have saved of that by address
//! alone is cut from it.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use probe_tests::{Engine, Probe, place, tally::Tally, workload};
use serde_json::{Value, json};
use tempfile::TempDir;

const EAST: &str = "10.215.1.2";
const WEST: &str = "10.215.2.2";

/// What the command printed; it must succeed.
#[track_caller]
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

fn ip(words: &str) {
    output(Command::new("ip").args(words.split(' ')));
}

/// Network namespaces for two hosts and the router, removed when dropped.
struct Hosts {
    names: [String; 3],
}

impl Hosts {
    fn connect() -> Self {
        let own = std::process::id();
        let names = ["east", "west", "router"].map(|name| format!("probe-{name}-{own}"));
        let hosts = Self { names };
        let [east, west, router] = &hosts.names;
        for name in &hosts.names {
            ip(&format!("netns add {name}"));
            ip(&format!("-n {name} link set lo up"));
        }
        for (host, address, gateway, device) in [
            (east, EAST, "10.215.1.1", "to-east"),
            (west, WEST, "10.215.2.1", "to-west"),
        ] {
            ip(&format!(
                "-n {router} link add {device} type veth peer name uplink netns {host}"
            ));
            ip(&format!(
                "-n {router} address add {gateway}/30 dev {device}"
            ));
            ip(&format!("-n {router} link set {device} up"));
            ip(&format!("-n {host} address add {address}/30 dev uplink"));
            ip(&format!("-n {host} link set uplink up"));
            ip(&format!("-n {host} route add default via {gateway}"));
        }
        let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
        output(at(router, Path::new("sh")).args(["-c", forward]));
        hosts
    }
}

/// The program on that host.
fn at(host: &str, program: &Path) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", host]).arg(program);
    command
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for name in &self.names {
            // One that was not made cannot be removed.
            let _ = Command::new("ip").args(["netns", "delete", name]).output();
        }
    }
}

/// A server that is ended when dropped.
struct Server(Child);

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        assert!(line.starts_with("listening"), "{line}");
        // Nothing more comes before the end, so nothing is left in the buffer.
        child.stdout = Some(stdout.into_inner());
        Self(child)
    }

    fn stop(&mut self) -> Tally {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        let mut printed = String::new();
        let mut stdout = self.0.stdout.take().unwrap();
        stdout.read_to_string(&mut printed).unwrap();
        self.0.wait().unwrap();
        Tally::find(&printed).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a probe on the host at `address` would have saved of the edge: the end that is `own` is
/// its process, the other end an address.
fn view(edge: &Value, own: &str, process: &str, address: &str, elsewhere: &str) -> Value {
    let mut edge = edge.clone();
    let other = ["source", "target"].into_iter().find(|end| *end != own);
    edge[other.unwrap()] = format!("external:{elsewhere}").into();
    let connections = edge["connections_opened"].clone();
    edge["join"] = "one-sided".into();
    edge["joins"] = json!({"one-sided": connections});
    let node = |id: String, kind: &str, name: &str| json!({"id": id, "kind": kind, "name": name, "labels": {}});
    json!({"schema": "probe.graph/v1", "host": process,
        "hosts": [{"name": process, "addresses": [address]}],
        "started": "2026-01-02T03:04:05Z", "ended": "2026-01-02T03:04:06Z",
        "nodes": [
            node(format!("process:{process}"), "process", process),
            node(format!("external:{elsewhere}"), "external", elsewhere),
        ],
        "edges": [edge], "losses": {}})
}

#[test]
fn halves_of_two_hosts_are_one_edge() {
    let engine = Engine::start().unwrap();
    let hosts = Hosts::connect();
    let [at_east, at_west, _] = &hosts.names;
    let dir = TempDir::new().unwrap();
    // Each program has its own name, as a process is called by its command.
    let program = |name: &str| {
        let path = dir.path().join(name);
        fs::copy(workload::binary().unwrap(), &path).unwrap();
        path
    };
    let serve = ["serve", "--port", "7000"];
    let mut listening = Server::start(at(at_west, &program("west")).args(serve));
    let probe = Probe::graph(&engine, &[]).unwrap();
    let to = format!("{WEST}:7000");
    let connect = [
        "connect",
        "--connections",
        "200",
        "--request",
        "108",
        "--to",
        &to,
    ];
    let printed = output(at(at_east, &program("east")).args(connect));
    let client = Tally::find(&printed).unwrap();
    assert_eq!((client.connections, client.failures), (200, 0));
    let served = listening.stop();
    let graph = probe.finish().unwrap();

    // Routed, not translated: and one kernel sees both ends.
    let edge = graph.edge("east", "west", 7000).unwrap();
    assert_eq!(edge["join"], "sequence");
    assert_eq!(edge["connections_opened"], 200);
    assert_eq!(edge["bytes_sent"], client.bytes_sent);
    assert_eq!(edge["bytes_sent"], served.bytes_received);

    let east = view(edge, "source", "east", EAST, WEST);
    let west = view(edge, "target", "west", WEST, EAST);
    let [east, west] = [("east", east), ("west", west)].map(|(name, view)| {
        let path = dir.path().join(format!("{name}.json"));
        fs::write(&path, view.to_string()).unwrap();
        path
    });
    let mut merge = Command::new(place::probe());
    merge.args(["graph", "--output", "json", "--merge"]);
    let merged = output(merge.arg(&east).arg(&west));
    let merged: Value = serde_json::from_str(&merged).unwrap();
    let edges = merged["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 1, "{merged:#}");
    assert_eq!(edges[0]["source"], "process:east/east");
    assert_eq!(edges[0]["target"], "process:west/west");
    for key in ["connections_opened", "bytes_sent", "bytes_received"] {
        assert_eq!(edges[0][key], edge[key], "{key}");
    }
    assert_eq!(edges[0]["joins"], json!({"tuple": 200}));
    assert_eq!(merged["nodes"].as_array().unwrap().len(), 2, "{merged:#}");
}

/// Both ways of translating: who asks the router is sent on, and comes from the router.
fn translate(router: &str) {
    let iptables = |rule: &str| {
        let words = rule.split(' ');
        output(
            at(router, Path::new("iptables"))
                .args(["-t", "nat", "-A"])
                .args(words),
        );
    };
    for (asked, own) in [(8080, 7000), (8081, 7001)] {
        iptables(&format!(
            "PREROUTING -p tcp -d 10.215.1.1 --dport {asked} -j DNAT --to-destination {WEST}:{own}"
        ));
    }
    iptables("POSTROUTING -o to-west -j MASQUERADE");
}

/// Who opened how many connections to whom, on which port.
fn edges(graph: &Value) -> Vec<String> {
    let edges = graph["edges"].as_array().unwrap().iter();
    let mut lines: Vec<_> = edges
        .map(|edge| {
            let [source, target] = ["source", "target"].map(|end| edge[end].as_str().unwrap());
            let (port, opened) = (&edge["port"], &edge["connections_opened"]);
            format!("{source} {target} {port} {opened}")
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn both_ends_are_found_behind_any_translation() {
    let hosts = Hosts::connect();
    let [at_east, at_west, router] = &hosts.names;
    translate(router);
    let dir = TempDir::new().unwrap();
    let program = |name: &str| {
        let path = dir.path().join(name);
        fs::copy(workload::binary().unwrap(), &path).unwrap();
        path
    };
    let serve = |name: &str, port: &str| {
        Server::start(at(at_west, &program(name)).args(["serve", "--port", port]))
    };
    let mut servers = [serve("web", "7000"), serve("db", "7001")];
    let probes = [(at_east, "east"), (at_west, "west")];
    let probes = probes.map(|(netns, host)| Probe::graph_in(netns, host, &[]).unwrap());
    // Two clients that look the same to their server, and a client of two servers.
    let said = [
        ("curl", "10.215.1.1:8080", "700"),
        ("wget", "10.215.1.1:8080", "300"),
        ("curl", "10.215.1.1:8081", "50"),
    ]
    .map(|(name, to, connections)| {
        let words = [
            "connect",
            "--request",
            "108",
            "--connections",
            connections,
            "--to",
            to,
        ];
        let tally = Tally::find(&output(at(at_east, &program(name)).args(words))).unwrap();
        assert_eq!(
            (tally.connections.to_string(), tally.failures),
            (connections.to_owned(), 0)
        );
        tally
    });
    let heard = servers.each_mut().map(Server::stop);
    let views = probes.map(|probe| probe.finish().unwrap().json);

    assert_eq!(
        edges(&views[0]),
        [
            "process:curl external:10.215.1.1 8080 700",
            "process:curl external:10.215.1.1 8081 50",
            "process:wget external:10.215.1.1 8080 300",
        ]
    );
    assert_eq!(
        edges(&views[1]),
        [
            "external:10.215.2.1 process:db 7001 50",
            "external:10.215.2.1 process:web 7000 1000",
        ]
    );
    let paths = [0, 1].map(|host| {
        let path = dir.path().join(format!("{host}.json"));
        fs::write(&path, views[host].to_string()).unwrap();
        path
    });
    let mut merge = Command::new(place::probe());
    let merged = output(
        merge
            .args(["graph", "--output", "json", "--merge"])
            .args(&paths),
    );
    let merged: Value = serde_json::from_str(&merged).unwrap();
    let expected = [
        ("process:east/curl process:west/db 7001 50", 2),
        ("process:east/curl process:west/web 7000 700", 0),
        ("process:east/wget process:west/web 7000 300", 1),
    ];
    assert_eq!(edges(&merged), expected.map(|(edge, _)| edge), "{merged:#}");
    assert_eq!(merged["nodes"].as_array().unwrap().len(), 4, "{merged:#}");
    // As the edges are in order, by source, target and port.
    for (edge, (_, client)) in merged["edges"].as_array().unwrap().iter().zip(expected) {
        let tally = &said[client];
        assert_eq!(edge["bytes_sent"], tally.bytes_sent, "{edge:#}");
        assert_eq!(edge["bytes_received"], tally.bytes_received, "{edge:#}");
        assert_eq!(edge["connections_closed"], tally.connections, "{edge:#}");
        assert_eq!(edge["join"], "sequence", "{edge:#}");
        assert_eq!(
            edge["joins"],
            json!({"sequence": tally.connections}),
            "{edge:#}"
        );
    }
    let sent = |side: &[Tally]| side.iter().map(|tally| tally.bytes_sent).sum::<u64>();
    let received = |side: &[Tally]| side.iter().map(|tally| tally.bytes_received).sum::<u64>();
    assert_eq!(
        (sent(&said), received(&said)),
        (received(&heard), sent(&heard))
    );
}
