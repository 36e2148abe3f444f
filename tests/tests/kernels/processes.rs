//! Every family of sockets, between processes that are in no container: those take no time to start.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use probe_tests::{Probe, probe::Graph, tally::Tally, workload};
use serde_json::Value;
use tempfile::TempDir;

use crate::{check, counts, nothing_lost};

/// A network namespace, whose ports and names are nobody else's; removed when dropped.
struct Network {
    name: String,
    /// Copies of the workload: a process is called by its command.
    programs: TempDir,
}

impl Network {
    fn new() -> Self {
        let network = Self {
            name: format!("probe-kernels-{}", std::process::id()),
            programs: TempDir::new().unwrap(),
        };
        let name = &network.name;
        for words in [
            format!("netns add {name}"),
            format!("-n {name} link set lo up"),
        ] {
            let status = Command::new("ip").args(words.split(' ')).status();
            assert!(status.unwrap().success(), "ip {words}");
        }
        network
    }

    /// Starts a workload under a name of its own, of which the kernel keeps 15 bytes.
    fn start(&self, name: &str, words: &str) -> Process {
        let path = self.programs.path().join(name);
        fs::copy(workload::binary().unwrap(), &path).unwrap();
        let mut child = Command::new("nsenter")
            .arg(format!("--net=/run/netns/{}", self.name))
            .arg("--")
            .arg(path)
            .args(words.split(' '))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Process { child, stdout }
    }

    /// Starts one that says when it is ready.
    fn serve(&self, name: &str, words: &str) -> Process {
        self.start(name, words).says("listening")
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // One that was not made cannot be removed.
        let _ = Command::new("ip")
            .args(["netns", "delete", &self.name])
            .output();
    }
}

/// A workload that runs; killed when dropped.
struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Its next line begins like that.
    #[track_caller]
    fn says(mut self, start: &str) -> Self {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(line.starts_with(start), "{line:?} is not {start:?}");
        self
    }

    fn signal(&self, signal: Signal) {
        kill(
            Pid::from_raw(i32::try_from(self.child.id()).unwrap()),
            signal,
        )
        .unwrap();
    }

    /// What it did, once it has ended by itself.
    #[track_caller]
    fn tally(mut self) -> Tally {
        let printed: Vec<_> = self.stdout.by_ref().lines().map(Result::unwrap).collect();
        assert!(self.child.wait().unwrap().success(), "{printed:?}");
        Tally::find(&printed.join("\n")).unwrap()
    }

    #[track_caller]
    fn stop(self) -> Tally {
        self.signal(Signal::SIGTERM);
        self.tally()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After an orderly end there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The one edge of a unix socket's path, with its ends.
#[track_caller]
fn unix<'graph>(graph: &'graph Graph, path: &str, ends: [&str; 2]) -> &'graph Value {
    let mut edges = graph.json["edges"].as_array().unwrap().iter();
    let edge = edges.find(|edge| edge["path"] == *path);
    let edge = edge.unwrap_or_else(|| panic!("nothing at {path}: {:#}", graph.json));
    for (key, name) in ["source", "target"].into_iter().zip(ends) {
        assert_eq!(edge[key], graph.node(name).unwrap()["id"], "{edge:#}");
    }
    edge
}

#[test]
fn tcp_is_exact_refused_or_older_than_the_probe() {
    let network = Network::new();
    let server = network.serve("tcp-server", "serve --port 7000");
    let echo = network.serve("old-server", "echo --port 7001");
    let talk = "talk --to 127.0.0.1:7001 --connections 20 --message 1000";
    let talk = network.start("old-client", talk).says("round 1");
    let probe = Probe::alone(["graph", "--output", "json"]).unwrap();
    talk.signal(Signal::SIGUSR1);
    let connect = "connect --connections 100 --request 108 --to 127.0.0.1:7000";
    let client = network.start("tcp-client", connect).tally();
    let connect = "connect --connections 5 --to 127.0.0.1:7002";
    let refused = network.start("refused", connect).tally();
    let talk = talk.says("round 2");
    let answered = server.stop();
    let graph = probe.finish().unwrap();
    drop((talk, echo));

    assert_eq!((client.connections, refused.failures), (100, 5));
    let expected = [
        ("connections_opened", 100),
        ("connections_closed", 100),
        ("bytes_sent", client.bytes_sent),
        ("bytes_sent", answered.bytes_received),
        ("bytes_received", client.bytes_received),
        ("sends", client.sends),
        ("receives", client.receives),
    ];
    check(&graph, ("tcp-client", "tcp-server", 7000), &expected);
    let expected = [
        ("connections_existing", 20),
        ("connections_opened", 0),
        ("bytes_sent", 20_000),
        ("bytes_received", 20_000),
    ];
    check(&graph, ("old-client", "old-server", 7001), &expected);
    let mut edges = graph.json["edges"].as_array().unwrap().iter();
    let failed = edges.find(|edge| edge["source"] == graph.node("refused").unwrap()["id"]);
    counts(
        failed.unwrap(),
        &[("connections_failed", 5), ("bytes_sent", 0), ("port", 7002)],
    );
    nothing_lost(&graph);
}

#[test]
fn datagrams_and_unix_sockets_are_exact() {
    const KINDS: [&str; 3] = ["stream", "seqpacket", "dgram"];
    let network = Network::new();
    let answer = |kind: &str, at: &str| {
        let name = format!("{kind}-hears");
        network.serve(&name, &format!("answer --at {kind}:{at}"))
    };
    let ask = |name: &str, words: &str| network.start(name, &format!("ask {words}")).tally();
    let datagrams = answer("udp", "7000");
    let others = KINDS.map(|kind| answer(kind, &format!("the-{kind}")));
    let probe = Probe::alone(["graph", "--output", "json"]).unwrap();
    let to = "--connections 3 --messages 20 --to udp:127.0.0.1:7000";
    let anyone = ask("anyone", to);
    let someone = ask("someone", &format!("{to} --connected"));
    // Connected, and yet each message names whom it is for: the same, then another.
    let same = ask("same", &format!("{to} --connected-to udp:127.0.0.1:7000"));
    let astray = format!("{to} --connected-to udp:127.0.0.1:7001 --response 0");
    let astray = ask("astray", &astray);
    let asked = KINDS.map(|kind| {
        // A unix datagram's sender has no name to answer to.
        let response = if kind == "dgram" { 0 } else { 300 };
        let words = format!("--connections 5 --response {response} --to {kind}:the-{kind}");
        ask(&format!("{kind}-asks"), &words)
    });
    let datagrams = datagrams.stop();
    let answered = others.map(Process::stop);
    let graph = probe.finish().unwrap();

    let said = |tally: &Tally| {
        [
            ("connections_opened", tally.connections),
            ("bytes_sent", tally.bytes_sent),
            ("bytes_received", tally.bytes_received),
            ("sends", tally.sends),
            ("receives", tally.receives),
        ]
    };
    let askers = [
        ("anyone", &anyone),
        ("someone", &someone),
        ("same", &same),
        ("astray", &astray),
    ];
    for (name, tally) in askers {
        check(&graph, (name, "udp-hears", 7000), &said(tally));
        // Each asks the same.
        assert_eq!(datagrams.bytes_received, 4 * tally.bytes_sent);
    }
    let edge = ("astray".to_owned(), "udp-hears".to_owned(), 7000);
    assert_eq!(graph.edges_of(&["astray"]), [edge]);
    for ((kind, asked), answered) in KINDS.iter().zip(&asked).zip(&answered) {
        let ends = [format!("{kind}-asks"), format!("{kind}-hears")];
        let edge = unix(&graph, &format!("@the-{kind}"), [&ends[0], &ends[1]]);
        counts(edge, &said(asked));
        assert_eq!(answered.bytes_received, asked.bytes_sent, "{kind}");
    }
    nothing_lost(&graph);
}
