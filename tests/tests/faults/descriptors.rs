//! Descriptors that run out, or were never there.

use std::fs;
use std::os::unix::net::UnixStream;
use std::process::Command;

use probe_tests::{Agent, Container, Engine, Network, agent::whole_edge, place};

use crate::{CONNECTIONS, NO_ENGINE, SOON, ends, is_ready, metric};

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
fn without_standard_descriptors_it_gives_their_places_to_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("probe.sock");
    let agent = Command::new("sh")
        .args(["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"])
        .arg(place::probe())
        .args(["run", "--listen", "none", "--engine", NO_ENGINE, "--socket"])
        .arg(&socket)
        .spawn()
        .unwrap();
    is_ready(&socket);
    // What it says must not go into a map or to a client.
    for number in 0..3 {
        let link = fs::read_link(format!("/proc/{}/fd/{number}", agent.id())).unwrap();
        assert_eq!(link.to_str(), Some("/dev/null"), "{number}");
    }
    ends(agent);
}
