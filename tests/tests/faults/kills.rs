//! SIGKILL at any moment: nothing stays attached or pinned, and the next start works.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use probe_tests::{place, programs::Held, wait};

use crate::{NO_ENGINE, SOON, ends, is_ready, signal, spawn};

/// Lets a random time pass, of so many milliseconds at most: the moment is what is tried, and nothing is
/// awaited.
fn wait_up_to(most: u64) {
    let moment = RandomState::new().build_hasher().finish() % most;
    thread::sleep(Duration::from_millis(moment));
}

/// Kills it, and sees all that it held go. How many programs that were.
fn killed(mut probe: Child) -> usize {
    // Stopped, it loads no more while we look.
    signal(probe.id(), Signal::SIGSTOP);
    let held = Held::by(probe.id()).unwrap();
    probe.kill().unwrap();
    probe.wait().unwrap();
    wait::until("all that it held is gone", SOON, || {
        Ok((held.left() == 0).then_some(()))
    })
    .unwrap();
    held.programs()
}

#[test]
fn killed_at_any_moment_it_leaves_nothing_and_starts_again() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("probe.sock");
    for _ in 0..6 {
        let agent = spawn(&socket, Stdio::null());
        // A start takes less, mostly.
        wait_up_to(2000);
        killed(agent);
    }
    let agent = spawn(&socket, Stdio::null());
    is_ready(&socket);
    ends(agent);
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

/// Connects, says something and reads an answer, again and again, until told to end. How often.
fn busy(at: SocketAddr, listener: &TcpListener, ends: &AtomicBool) -> u64 {
    let mut rounds = 0;
    while !ends.load(Ordering::Relaxed) {
        let mut client = TcpStream::connect(at).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"ping").unwrap();
        server.read_exact(&mut [0; 4]).unwrap();
        server.write_all(b"pong").unwrap();
        client.read_exact(&mut [0; 4]).unwrap();
        rounds += 1;
    }
    rounds
}

/// Ends the load, also when a test fails under it.
struct Ending<'load>(&'load AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn so_does_each_command_killed_while_its_programs_run() {
    let commands: [&[&str]; 5] = [
        &["graph"],
        &["events"],
        &["traffic", "--files"],
        &["top", "files"],
        &["run", "--listen", "none", "--socket", "none", "-o", "lines"],
    ];
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let at = listener.local_addr().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let load = scope.spawn(|| busy(at, &listener, &done));
        let ending = Ending(&done);
        for words in commands {
            let start = || {
                Command::new(place::probe())
                    .args(words)
                    .env("DOCKER_HOST", NO_ENGINE)
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap()
            };
            for _ in 0..3 {
                let probe = start();
                wait::until("it has loaded a program", SOON, || {
                    let held = Held::by(probe.id())?;
                    Ok((held.programs() > 0).then_some(()))
                })
                .unwrap();
                wait_up_to(500);
                assert!(killed(probe) > 0, "{words:?}");
            }
        }
        drop(ending);
        assert!(load.join().unwrap() > 0);
    });
}
