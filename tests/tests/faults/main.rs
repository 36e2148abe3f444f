//! What goes wrong around an agent, and what it makes of it: nothing is lost in silence, nothing
//! is left behind, and it goes on.
//!
//! Engines that go and come back are in `sandbox.rs`, readers that do not read in `serve.rs`, full
//! flow tables in `completeness.rs`.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::fs::{self, File};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use probe_tests::{
    Agent, Container, Engine, Network, agent::whole_edge, http::Door, image, place, programs, wait,
};

const SOON: Duration = Duration::from_secs(20);
const CONNECTIONS: u64 = 200;

/// What a metric without labels says, or that with these.
fn metric(door: &Door, name: &str) -> u64 {
    let text = door.get("/metrics", &[]).unwrap().text();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name}: {text}"))
        .trim()
        .parse()
        .unwrap()
}

fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// Lets a running process have that many descriptors.
fn limit(pid: u32, most: u64) {
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    let pid = libc::pid_t::try_from(pid).unwrap();
    // SAFETY: the limit is read during the call, and the old one is not asked for.
    let set = unsafe {
        libc::prlimit(
            pid,
            libc::RLIMIT_NOFILE,
            &raw const limit,
            std::ptr::null_mut(),
        )
    };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn without_descriptors_it_counts_on() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let agent = Agent::start(&engine, &[]).unwrap();
    let pid = agent.probe.pid();
    let most = descriptors(pid) + 3;
    limit(pid, most as u64);
    let clients: Vec<_> = (0..20)
        .map(|_| UnixStream::connect(&agent.socket).unwrap())
        .collect();
    agent
        .probe
        .wait_for_stderr("cannot accept a connection", SOON)
        .unwrap();
    let tally = Container::connecting(&engine, &network, "client", &address, CONNECTIONS)
        .unwrap()
        .tally()
        .unwrap();
    agent
        .probe
        .wait_for_stderr("open sockets are not gone over", SOON)
        .unwrap();
    drop(clients);
    let edge = whole_edge(&agent.tcp, CONNECTIONS).unwrap();
    assert_eq!(edge["bytes_sent"], tally.bytes_sent);
    assert_eq!(edge["bytes_received"], tally.bytes_received);
    assert!(metric(&agent.tcp, "probe_late_ticks_total ") > 0);
    assert!(descriptors(pid) <= most);
}

#[test]
fn with_too_few_descriptors_to_start_it_says_so() {
    let output = Command::new("prlimit")
        .args(["--nofile=12:12", "--"])
        .arg(place::probe())
        .args(["run", "--listen", "none", "--socket", "none"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("open files"), "{said}");
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");
}

#[test]
fn a_flood_of_programs_is_told_or_counted_as_lost() {
    const RUNS: u64 = 3000;
    let engine = Engine::start().unwrap();
    let container = Container::of(&engine, &image::BUSYBOX, "flood")
        .unwrap()
        .command(["sleep", "600"])
        .run()
        .unwrap();
    let agent = Agent::start(&engine, &[]).unwrap();
    let mut events = agent.unix.follow("/api/v1/events").unwrap();
    let reader = thread::spawn(move || {
        let mut seen = 0;
        while let Some((name, event)) = events.next_event().unwrap() {
            assert_eq!(name, "event", "{event}");
            if event["type"] != "exec" || event["container"]["name"] != "flood" {
                continue;
            }
            match event["path"].as_str().unwrap() {
                "/bin/true" => seen += 1,
                "/bin/false" => break,
                _ => {}
            }
        }
        seen
    });
    let flood =
        format!("i=0; while [ $i -lt {RUNS} ]; do /bin/true; i=$((i+1)); done; /bin/false; :");
    container.exec(["sh", "-c", &flood]).unwrap();
    let seen: u64 = reader.join().unwrap();
    let dropped = metric(&agent.tcp, "probe_losses_total{cause=\"records_dropped\"} ");
    assert!(seen <= RUNS);
    assert!(seen + dropped >= RUNS, "{seen} seen, {dropped} dropped");
    let graph = agent.tcp.get("/api/v1/graph", &[]).unwrap().json().unwrap();
    let account = &graph["account"];
    assert_eq!(account["records_ring"], dropped);
    assert!(account["records"].as_u64().unwrap() >= seen);
}

/// An agent without an engine, which serves on `socket` alone and says nothing.
fn spawn(socket: &Path, stderr: Stdio) -> Child {
    Command::new(place::probe())
        .args([
            "run",
            "--listen",
            "none",
            "--engine",
            "unix:///nonexistent/docker.sock",
        ])
        .arg("--socket")
        .arg(socket)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .unwrap()
}

fn is_ready(socket: &Path) {
    let door = Door::Unix(socket.to_owned());
    wait::until("the agent is ready", SOON, || {
        let answer = door.get("/readyz", &[]).ok();
        Ok(answer.filter(|answer| answer.status == 200))
    })
    .unwrap();
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

#[test]
fn killed_at_any_moment_it_leaves_nothing_and_starts_again() {
    const ROUNDS: u32 = 6;
    /// A start takes less, mostly.
    const LONGEST: u64 = 2000;
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("probe.sock");
    let mut held = 0;
    for _ in 0..ROUNDS {
        let mut agent = spawn(&socket, Stdio::null());
        // The moment is what is tried: nothing is awaited.
        let moment = RandomState::new().build_hasher().finish() % LONGEST;
        thread::sleep(Duration::from_millis(moment));
        // Stopped, it loads no more while we look.
        signal(&agent, Signal::SIGSTOP);
        let programs = programs::ids(agent.id()).unwrap();
        held += programs.len();
        agent.kill().unwrap();
        agent.wait().unwrap();
        wait::until(&format!("all is gone after {moment} ms"), SOON, || {
            let left = programs.iter().any(|id| programs::is_loaded(*id));
            Ok((!left).then_some(()))
        })
        .unwrap();
    }
    assert!(held > 0, "it was never killed with anything loaded");
    let mut agent = spawn(&socket, Stdio::null());
    is_ready(&socket);
    signal(&agent, Signal::SIGTERM);
    assert!(agent.wait().unwrap().success());
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[test]
fn two_agents_are_both_exact() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let agents = [
        Agent::start(&engine, &[]).unwrap(),
        Agent::start(&engine, &[]).unwrap(),
    ];
    let tally = Container::connecting(&engine, &network, "client", &address, CONNECTIONS)
        .unwrap()
        .tally()
        .unwrap();
    for agent in agents {
        let edge = whole_edge(&agent.tcp, CONNECTIONS).unwrap();
        assert_eq!(edge["connections_opened"], CONNECTIONS);
        assert_eq!(edge["bytes_sent"], tally.bytes_sent);
        assert_eq!(edge["bytes_received"], tally.bytes_received);
        assert_eq!(edge["join"], "sequence");
    }
}

/// A file system of one page, unmounted when dropped.
struct Tiny(PathBuf);

impl Tiny {
    fn mount(directory: &Path) -> Self {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4k", "tmpfs"]);
        assert!(mount.arg(directory).status().unwrap().success());
        Self(directory.to_owned())
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_an_error_of_what_writes_and_none_of_what_logs() {
    let directory = tempfile::tempdir().unwrap();
    let tiny = Tiny::mount(directory.path());
    let output = Command::new(place::probe())
        .args(["graph", "--schema"])
        .stdout(File::create(tiny.0.join("schema.json")).unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("No space left on device"), "{said}");
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");

    // Now there is no room for a log.
    let mut log = File::create(tiny.0.join("log")).unwrap();
    log.write_all(b"x").unwrap_err();
    let elsewhere = tempfile::tempdir().unwrap();
    let socket = elsewhere.path().join("probe.sock");
    let mut agent = spawn(&socket, Stdio::from(log));
    is_ready(&socket);
    signal(&agent, Signal::SIGTERM);
    assert!(agent.wait().unwrap().success());
}
