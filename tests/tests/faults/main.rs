//! What goes wrong around an agent, and what it makes of it: nothing is lost in silence, nothing
//! is left behind, and it goes on.
//!
//! Readers that do not read are in `serve.rs`, full flow tables in `completeness.rs`, clocks that
//! jump in `clock.rs`, an ECS that fails in `ecs/`.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod descriptors;
mod disk;
mod engines;
mod floods;
mod kills;
mod neighbours;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use probe_tests::{http::Door, place, wait};

const SOON: Duration = Duration::from_secs(20);
const CONNECTIONS: u64 = 200;

/// Where there is no engine.
const NO_ENGINE: &str = "unix:///nonexistent/docker.sock";

/// What a metric without labels says, or that with these.
fn metric(door: &Door, name: &str) -> u64 {
    let text = door.get("/metrics", &[]).unwrap().text();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name}: {text}"))
        .trim()
        .parse()
        .unwrap()
}

/// An agent without an engine, which serves on `socket` alone and says nothing.
fn spawn(socket: &Path, stderr: Stdio) -> Child {
    Command::new(place::probe())
        .args(["run", "--listen", "none", "--engine", NO_ENGINE])
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

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}

/// Tells it to end, which it does in order.
fn ends(mut child: Child) {
    signal(child.id(), Signal::SIGTERM);
    assert!(child.wait().unwrap().success());
}
