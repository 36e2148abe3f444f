//! `probe traffic`: what is said, by whom to whom, byte for byte.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use probe_tests::{Container, Engine, Network, Probe, objects, programs, wait};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

/// One connection is answered; what is asked is kept.
const SERVE: &str = "printf 'HTTP/1.1 200 OK\\r\\nSet-Cookie: id=hush\\r\\nContent-Length: 11\\r\\n\\r\\n\\033[2J\\033]0;x\\007y' > /response
    nc -l -p 8080 < /response > /request; echo served; sleep 600";

/// What `container` read or wrote, in order, and that it was with `peer`.
#[track_caller]
fn said(messages: &[Value], container: &str, verb: &str, peer: &str) -> String {
    let of =
        |message: &&Value| message["container"]["name"] == container && message["type"] == verb;
    let texts = messages.iter().filter(of).map(|message| {
        assert_eq!(message["peer"]["name"], peer, "{message:#}");
        assert_eq!(message["bytes"], message["captured"], "{message:#}");
        // Also when the socket is closed and its port given back.
        let end = if container == "server" {
            "local"
        } else {
            "remote"
        };
        let end = message[end].as_str().unwrap();
        assert!(end.ends_with(":8080"), "{message:#}");
        message["text"].as_str().unwrap()
    });
    texts.collect()
}

#[test]
fn http_between_containers_is_shown_byte_for_byte_with_both_names() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let run = |name, script| Container::shell(&engine, &network, name, script).unwrap();
    let server = run("server", SERVE);
    let at = server.ip(&network).unwrap();
    let client = run(
        "client",
        "until [ -e /go ]; do sleep 0.1; done; sh /go; echo asked; sleep 600",
    );
    let pair = format!("fd.ip = {} and fd.ip = {at}", client.ip(&network).unwrap());
    let none = format!("fd.ip = {at} and fd.port = 9");
    let start = |words: &[&str]| Probe::start(&engine, ["traffic"].iter().chain(words)).unwrap();
    let raw = start(&["-o", "json", "--no-redact", "--filter", &pair]);
    let shown = start(&[
        "--filter",
        "container.name in (client, server) and fd.proto = tcp",
    ]);
    let hex = start(&["--hex", "--snaplen", "8", "--filter", &pair]);
    let other = start(&["-o", "json", "--filter", &none]);
    let ask = format!(
        "until wget -q -O /got --header 'Cookie: id=hush' 'http://{at}:8080/buy?password=hush&n=1'; do sleep 0.1; done"
    );
    client
        .exec(["sh", "-c", &format!("echo \"{ask}\" > /new; mv /new /go")])
        .unwrap();
    client.wait_for_line("asked", SOON).unwrap();
    server.wait_for_line("served", SOON).unwrap();

    let request = server.exec(["cat", "/request"]).unwrap();
    let response = server.exec(["cat", "/response"]).unwrap();
    let raw = raw.interrupt().unwrap();
    let messages = objects(&raw.stdout).unwrap();
    // `exec` gives what it heard without the white space at its end.
    assert!(
        request.starts_with("GET /buy?password=hush&n=1 HTTP/1.1\r\n"),
        "{request}"
    );
    assert_eq!(
        said(&messages, "client", "write", "server").trim_end(),
        request
    );
    assert_eq!(
        said(&messages, "server", "read", "client").trim_end(),
        request
    );
    assert_eq!(said(&messages, "server", "write", "client"), response);
    assert_eq!(said(&messages, "client", "read", "server"), response);
    assert!(raw.stderr.contains(" 0 lost"), "{}", raw.stderr);

    let shown = shown.interrupt().unwrap().stdout;
    assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown}");
    assert!(!shown.contains("hush"), "{shown}");
    for line in [
        "GET /buy?password=****&n=1 HTTP/1.1",
        "Cookie: *******",
        "Set-Cookie: *******",
        ".[2J.]0;x.y",
    ] {
        let count = shown.lines().filter(|shown| *shown == line).count();
        assert_eq!(count, 2, "{line}: {shown}");
    }
    let hex = hex.interrupt().unwrap();
    let line = "00000000  47 45 54 20 2f 62 75 79                           |GET /buy|";
    assert!(hex.stdout.contains(line), "{}", hex.stdout);
    assert!(
        !hex.stderr.contains(" 0 of them not whole"),
        "{}",
        hex.stderr
    );
    assert_eq!(other.interrupt().unwrap().stdout, "");
}

#[test]
fn a_filter_may_ask_for_what_is_known_of_the_process() {
    let (listener, at) = listener();
    let exe = std::env::current_exe().unwrap();
    let (exe, port) = (exe.display(), at.port());
    let traffic = |of_process: &str| {
        let filter = format!("fd.port = {port} and evt.type = write and {of_process}");
        Probe::alone(["traffic", "-o", "json", "--filter", &filter]).unwrap()
    };
    let own = traffic(&format!(
        "proc.exe = {exe} and proc.cmdline contains {exe} and proc.uid = 0"
    ));
    let other = traffic(&format!("proc.exe != {exe}"));
    let mut stream = TcpStream::connect(at).unwrap();
    stream.write_all(b"here").unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    accepted.read_exact(&mut [0; 4]).unwrap();
    let own = own.interrupt().unwrap();
    let told = objects(&own.stdout).unwrap();
    assert_eq!(told.len(), 1, "{}{}", own.stdout, own.stderr);
    assert_eq!(told[0]["text"], "here");
    // Who says something else is not looked up.
    assert!(!own.stderr.contains("had ended"), "{}", own.stderr);
    let other = other.interrupt().unwrap();
    assert_eq!(other.stdout, "");
    assert!(other.stderr.contains("1 filtered out"), "{}", other.stderr);
}

#[test]
fn of_ten_thousand_messages_a_second_each_is_shown_or_counted_as_lost() {
    const SECONDS: u32 = 3;
    const A_MILLISECOND: u32 = 10;
    const LENGTH: usize = 1024;
    let (listener, at) = listener();
    let reader = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::copy(&mut stream, &mut std::io::sink()).unwrap()
    });
    let filter = format!("evt.type = write and fd.port = {}", at.port());
    let probe = Probe::alone(["traffic", "-o", "json", "--filter", &filter]).unwrap();
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_nodelay(true).unwrap();
    let begun = Instant::now();
    let mut sent = 0_u64;
    for millisecond in 0..SECONDS * 1000 {
        for _ in 0..A_MILLISECOND {
            let message = format!("{sent:0>LENGTH$}");
            assert_eq!(stream.write(message.as_bytes()).unwrap(), LENGTH);
            sent += 1;
        }
        let due = Duration::from_millis(millisecond.into());
        thread::sleep(due.saturating_sub(begun.elapsed()));
    }
    drop(stream);
    assert_eq!(reader.join().unwrap(), sent * LENGTH as u64);
    let printed = probe.interrupt().unwrap();
    let numbers = objects(&printed.stdout)
        .unwrap()
        .iter()
        .map(|message| message["text"].as_str().unwrap().parse::<u64>().unwrap())
        .collect::<Vec<_>>();
    assert!(
        numbers.is_sorted_by(|one, next| one < next),
        "in order, none twice"
    );
    let end = printed.stderr.lines().last().unwrap();
    let lost = end.split_whitespace().rev().nth(1).unwrap();
    assert_eq!(
        numbers.len() as u64 + lost.parse::<u64>().unwrap(),
        sent,
        "{end}"
    );
    assert_eq!(
        lost != "0",
        printed.stderr.contains("messages are lost"),
        "{end}"
    );
}

#[test]
fn what_was_not_taken_is_counted_message_by_message() {
    let (listener, at) = listener();
    let filter = format!("evt.type = write and fd.port = {}", at.port());
    // A reader that does not read: the pipe is full, and then the ring.
    let sizes = ["traffic", "--snaplen", "65536", "--buffer", "1"];
    let probe = Probe::alone_unread(sizes.iter().chain(&["--filter", &filter])).unwrap();
    let mut stream = TcpStream::connect(at).unwrap();
    let (mut other, _) = listener.accept().unwrap();
    let (sent, message) = (200_u64, vec![b'.'; 60_000]);
    let mut heard = vec![0; message.len()];
    for _ in 0..sent {
        stream.write_all(&message).unwrap();
        other.read_exact(&mut heard).unwrap();
    }
    let printed = probe.interrupt().unwrap();
    let shown = printed.stdout.lines();
    let shown = shown.filter(|line| line.starts_with("------")).count() as u64;
    let said = printed.stderr;
    let lost = said
        .lines()
        .last()
        .unwrap()
        .split_whitespace()
        .rev()
        .nth(1)
        .unwrap();
    let lost = lost.parse::<u64>().unwrap();
    assert!(lost > 0 && said.contains("a larger --buffer"), "{said}");
    assert_eq!(shown + lost, sent, "{said}");
}

#[test]
fn its_programs_are_loaded_only_while_it_runs() {
    let loaded = |command: &str| {
        let (mut programs, bytes) = programs::loaded_by(&[command]).unwrap();
        programs.retain(|name| name.starts_with("traffic"));
        (programs, bytes)
    };
    let ((traffic, with), (graph, without)) = (loaded("traffic"), loaded("graph"));
    assert!(!traffic.is_empty());
    assert_eq!(graph, Vec::<String>::new());
    assert!(
        with > without + (15 << 20),
        "{with} and {without} bytes of maps"
    );
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let (listener, at) = listener();
    let filter = format!("fd.port = {}", at.port());
    let mut probe = Probe::alone_unread(["traffic", "--filter", &filter]).unwrap();
    // That is said once, at any moment.
    probe.wait_for_stderr("no Docker engine", SOON).unwrap();
    let before = probe.stderr();
    probe.hang_up();
    let mut stream = TcpStream::connect(at).unwrap();
    let (_other, _) = listener.accept().unwrap();
    wait::until("it ends", SOON, || {
        stream.write_all(b"x")?;
        probe.ended()
    })
    .unwrap();
    assert_eq!(probe.wait(SOON).unwrap().stderr, before);
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
