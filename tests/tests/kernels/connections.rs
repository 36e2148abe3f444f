//! Connections one by one, over loopback and both families, and whom the kernel kills for memory.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, process};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use probe_tests::{Probe, objects, wait, workload};

const SOON: Duration = Duration::from_secs(20);

/// Both ends of a connection, the client's first.
type Pair = (TcpStream, TcpStream);

fn pair(listener: &TcpListener) -> Pair {
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

fn say(from: &mut TcpStream, to: &mut TcpStream, bytes: usize) {
    from.write_all(&vec![b'.'; bytes]).unwrap();
    to.read_exact(&mut vec![0; bytes]).unwrap();
}

/// Whether of no socket that the kernel lists this is so: of its local address, its remote one and its
/// state, all in hexadecimal.
fn no_socket(is: impl Fn([&str; 3]) -> bool) -> bool {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().all(|file| {
        let sockets = fs::read_to_string(file).unwrap();
        let mut lines = sockets.lines().map(str::split_whitespace);
        !lines.any(|words| {
            let words: Vec<_> = words.skip(1).take(3).collect();
            is([words[0], words[1], words[2]])
        })
    })
}

/// How `/proc/net/tcp` ends the address of that port.
fn port_of(listener: &TcpListener) -> String {
    format!(":{:04X}", listener.local_addr().unwrap().port())
}

/// Whether the socket is connected no more: then the kernel does not list it.
fn is_closed(socket: &TcpStream) -> bool {
    let port = format!(":{:04X}", socket.local_addr().unwrap().port());
    no_socket(|[local, ..]| local.ends_with(&port))
}

/// Whether nobody has a connection to that port any more: what is left listens or is over (`TIME_WAIT`).
fn is_left(port: &str) -> bool {
    let over = |state: &str| ["06", "0A"].contains(&state);
    no_socket(|[local, remote, state]| {
        (local.ends_with(port) || remote.ends_with(port)) && !over(state)
    })
}

/// What the client of a pair calls itself: its address, by which events find it.
fn client_of(pair: &Pair) -> String {
    pair.0.local_addr().unwrap().to_string()
}

#[test]
fn each_connection_is_told_by_both_of_its_ends() {
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    // Listeners, and a connection each, that are older than the probe.
    let listeners = loopback.map(|address| TcpListener::bind((address, 0)).unwrap());
    let mut older = [&listeners[0], &listeners[1]].map(pair);
    for (client, server) in &mut older {
        say(client, server, 300);
    }
    let pid = process::id();
    let filter = format!("proc.pid = {pid} and evt.type in (connect, accept, close)");
    let probe = Probe::alone(["events", "-o", "json", "--filter", &filter]).unwrap();
    let mut named = Vec::new();
    for (listener, (client, server)) in listeners.iter().zip(&mut older) {
        let mut plain = pair(listener);
        say(&mut plain.0, &mut plain.1, 108);
        say(&mut plain.1, &mut plain.0, 1000);
        // What was sent and never read is not what the other program received.
        let mut unread = pair(listener);
        unread.0.write_all(&[b'.'; 500]).unwrap();
        // What is read after both have closed is.
        let mut late = pair(listener);
        late.1.write_all(&[b'.'; 700]).unwrap();
        late.1.shutdown(Shutdown::Write).unwrap();
        late.0.shutdown(Shutdown::Write).unwrap();
        wait::until("the client's socket closes", SOON, || {
            Ok(is_closed(&late.0).then_some(()))
        })
        .unwrap();
        let mut heard = Vec::new();
        late.0.read_to_end(&mut heard).unwrap();
        assert_eq!(heard.len(), 700);
        say(client, server, 108);
        named.push((
            client_of(&plain),
            client_of(&unread),
            client_of(&late),
            client.local_addr().unwrap().to_string(),
        ));
    }
    drop(older);
    // The last words of a close may wait for their turn in the kernel.
    let ports = listeners.each_ref().map(port_of);
    wait::until("all connections are closed", SOON, || {
        Ok(ports.iter().all(|port| is_left(port)).then_some(()))
    })
    .unwrap();
    let refused = listeners.map(|listener| {
        let address = listener.local_addr().unwrap();
        drop(listener);
        TcpStream::connect(address).unwrap_err();
        address.to_string()
    });
    let printed = probe.interrupt().unwrap();
    let events = objects(&printed.stdout).unwrap();
    let of = |client: &str, kind: &str, role: &str| {
        let (own, other) = match role {
            "client" => ("local", "remote"),
            _ => ("remote", "local"),
        };
        let mut found = events
            .iter()
            .filter(|event| event["type"] == kind && event["role"] == role && event[own] == client);
        let event = found.next();
        let event = event.unwrap_or_else(|| panic!("no {kind} of {client}: {}", printed.stdout));
        assert!(found.next().is_none(), "twice: {event:#}");
        assert_eq!(event["pid"], pid);
        assert!(event[other].as_str() != Some(client));
        event.clone()
    };
    let closed = |client: &str, to: u64, from: u64| {
        for (role, sent, received) in [("client", to, from), ("server", from, to)] {
            let close = of(client, "close", role);
            assert_eq!(close["bytes_sent"], sent, "{close:#}");
            assert_eq!(close["bytes_received"], received, "{close:#}");
        }
    };
    for (plain, unread, late, older) in &named {
        for client in [plain, unread, late] {
            let connect = of(client, "connect", "client");
            assert_eq!(connect["failed"], false);
            assert!(connect["connect_seconds"].as_f64().unwrap() > 0.0);
            of(client, "accept", "server");
            for role in ["client", "server"] {
                let close = of(client, "close", role);
                assert!(close["open_seconds"].as_f64().unwrap() > 0.0);
            }
        }
        closed(plain, 108, 1000);
        closed(late, 0, 700);
        assert_eq!(of(unread, "close", "client")["bytes_sent"], 500);
        assert_eq!(of(unread, "close", "server")["bytes_received"], 0);
        // All that went over it; since when is not known.
        closed(older, 408, 0);
        assert!(of(older, "close", "client").get("open_seconds").is_none());
    }
    let failed: Vec<_> = events.iter().filter(|e| e["failed"] == true).collect();
    assert_eq!(failed.len(), refused.len(), "{}", printed.stdout);
    for (event, address) in failed.iter().zip(refused) {
        assert_eq!(event["errno"], "ECONNREFUSED");
        assert_eq!(event["remote"], address);
    }
    // Ten connections, of which two older; two of no use.
    assert_eq!(events.len(), 6 * 4 + 2 * 2 + 2, "{}", printed.stdout);
}

/// A cgroup of the hierarchy that has the memory controller; removed when dropped.
struct Cgroup(PathBuf);

impl Cgroup {
    fn with_memory(mebibytes: u64) -> Self {
        let v2 = Path::new("/sys/fs/cgroup/cgroup.controllers");
        let controllers = fs::read_to_string(v2).unwrap_or_default();
        let (root, limit) = if controllers.split_whitespace().any(|one| one == "memory") {
            fs::write("/sys/fs/cgroup/cgroup.subtree_control", "+memory").unwrap();
            ("/sys/fs/cgroup", "memory.max")
        } else {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        };
        let path = Path::new(root).join(format!("probe-kernels-{}", process::id()));
        fs::create_dir(&path).unwrap();
        fs::write(path.join(limit), (mebibytes << 20).to_string()).unwrap();
        Self(path)
    }

    /// A workload in it that has taken so much memory, or waits to be killed for it.
    fn hoard(&self, mebibytes: u64) -> Child {
        let script = format!("echo 0 > {}/cgroup.procs && exec \"$@\"", self.0.display());
        let command = ["-c", &script, "sh"];
        Command::new("sh")
            .args(command)
            .arg(workload::binary().unwrap())
            .args(["hoard", "--mebibytes", &mebibytes.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

fn holds(child: &mut Child) {
    let mut line = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    assert_eq!(line, "holding\n");
}

/// One asks for memory and another is killed for it: whoever runs then is not the victim.
#[test]
fn whom_the_kernel_kills_for_memory_is_told() {
    let cgroup = Cgroup::with_memory(64);
    let probe = Probe::alone(["events", "-o", "json", "--filter", "evt.type = oom-kill"]).unwrap();
    let mut victim = cgroup.hoard(40);
    let place = format!("/proc/{}/oom_score_adj", victim.id());
    fs::write(place, "1000").unwrap();
    holds(&mut victim);
    let mut hungry = cgroup.hoard(40);
    holds(&mut hungry);
    let killed = victim.wait().unwrap();
    assert!(!killed.success(), "{killed}");
    let own = Pid::from_raw(hungry.id().try_into().unwrap());
    kill(own, Signal::SIGTERM).unwrap();
    assert!(hungry.wait().unwrap().success());
    let printed = probe.interrupt().unwrap().stdout;
    let events = objects(&printed).unwrap();
    assert_eq!(events.len(), 1, "{printed}");
    assert_eq!(events[0]["pid"], victim.id(), "{printed}");
    assert_eq!(events[0]["command"], "workload", "{printed}");
}
