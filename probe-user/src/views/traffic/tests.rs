use std::sync::Arc;

use bytes::Bytes;

use super::{Payload, Talk, payload, redact};
use crate::{
    filter::{Filter, Kind},
    identity::{
        ByPid, Directory, Names,
        workload::{Holders, Host},
    },
    ids::{CgroupId, Nanos, NetNs, Pid},
    kernel::messages::{Channel, Direction, FileKind, Message},
};

const ID: &str = "3f2a1b4c5d6e7f8091a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4";

fn message(payload: &'static [u8]) -> Message {
    Message {
        time: Nanos(1),
        cgroup: CgroupId(7),
        pid: Pid(12),
        thread: Pid(13),
        command: "curl".to_owned(),
        direction: Direction::Sent,
        channel: Channel::Inet {
            tcp: true,
            local: "172.18.0.3:40000".parse().unwrap(),
            remote: Some("192.0.2.7:80".parse().unwrap()),
        },
        netns: NetNs(1),
        call: 44,
        fd: 5,
        length: 20,
        payload: Bytes::from_static(payload),
    }
}

fn talk(message: Message) -> Talk {
    let directory = Arc::new(Directory::default());
    directory.cgroup_made(CgroupId(7), &format!("/docker/{ID}"));
    let host = Host {
        directory,
        ecs: None,
        addresses: Vec::new(),
        names: Names::default(),
    };
    let time = "2026-01-02T03:04:05Z".parse().unwrap();
    Talk::new(
        message,
        time,
        &host,
        &mut Holders::default(),
        &"here".into(),
    )
}

/// As it is, without payload, over a unix socket, received from who knows whom, and from a file.
fn talks() -> [Talk; 5] {
    let spliced = Message {
        call: 275,
        ..message(b"")
    };
    let unix = Message {
        channel: Channel::Unix {
            path: Some("/run/\u{1b}[31mdb".to_owned()),
            peer: None,
        },
        length: 4,
        ..message(b"\xff\0\x1b[")
    };
    let datagram = Message {
        direction: Direction::Received,
        channel: Channel::Inet {
            tcp: false,
            local: "[fd00::3]:53".parse().unwrap(),
            remote: None,
        },
        ..message(b"?")
    };
    let file = Message {
        direction: Direction::Received,
        channel: Channel::File {
            kind: FileKind::Regular,
            path: "/etc/\u{1b}[31mhosts".to_owned(),
        },
        call: 17,
        ..message(b"password=hush\n")
    };
    [
        message(b"Cookie: hush\r\nA: b\r\n"),
        spliced,
        unix,
        datagram,
        file,
    ]
    .map(talk)
}

#[test]
fn as_text() {
    let texts = talks().map(|talk| talk.redacted().text(Payload::Text));
    insta::assert_snapshot!(texts.concat());
}

#[test]
fn as_json() {
    let lines = talks().map(|talk| talk.redacted().json().unwrap());
    insta::assert_snapshot!(lines.concat());
}

#[test]
fn messages_pass_filters() {
    let [talk, _, unix, _, file] = talks();
    let check = |filter: &str, talk: &Talk, passes| {
        let filter: Filter = filter.parse().unwrap();
        assert_eq!(filter.matches(talk), passes, "{filter}");
    };
    check("fd.ip = 192.0.2.7 and fd.ip = 172.18.0.3", &talk, true);
    check("fd.ip = 192.0.2.7 and fd.ip = 172.18.0.4", &talk, false);
    check("fd.sip = 192.0.2.7 and fd.sport = 80", &talk, true);
    check("fd.cip = 172.18.0.3 and fd.cport = 40000", &talk, true);
    check("fd.lport = 40000 and fd.rip = 192.0.2.7", &talk, true);
    check("fd.port = 80 and fd.port != 81", &talk, true);
    check("fd.net = 192.0.2.0/24 and fd.type = ipv4", &talk, true);
    check(
        "evt.type = write and evt.dir = out and evt.bytes = 20",
        &talk,
        true,
    );
    check("evt.dir = in", &talk, false);
    check("proc.name = curl and proc.pid = 12", &talk, true);
    check("container.id = 3f2a1b4c and host.name = here", &talk, true);
    check(
        "fd.type = unix and fd.proto = unix and fd.name endswith db",
        &unix,
        true,
    );
    check("fd.ip exists", &unix, false);
    check("fd.type = file and fd.name startswith /etc/", &file, true);
    check(
        "fd.type = pipe or fd.proto exists or fd.port exists",
        &file,
        false,
    );
    check("evt.type = read and container.id = 3f2a1b4c", &file, true);
}

#[test]
fn what_a_message_does_not_tell_of_its_process_is_asked_for() {
    let own = Message {
        pid: Pid(std::process::id()),
        ..message(b"")
    };
    let mut processes = ByPid::default();
    let there = talk(own).with_process(&mut processes);
    let gone = talk(Message {
        pid: Pid(u32::MAX),
        ..message(b"")
    });
    let gone = gone.with_process(&mut processes);
    assert!(there.has_process() && !gone.has_process());
    let check = |filter: &str, of_there, of_gone| {
        let filter: Filter = filter.parse().unwrap();
        assert_eq!(filter.never(Kind::Message), None, "{filter}");
        assert_eq!(filter.matches(&there), of_there, "{filter}");
        assert_eq!(filter.matches(&gone), of_gone, "{filter}");
    };
    let own = std::process::id();
    check("proc.cmdline exists and proc.exe startswith /", true, false);
    check("proc.uid exists and proc.ppid > 0", true, false);
    check(&format!("proc.vpid = {own} or proc.vpid != 1"), true, true);
    // Of what both tell, the message has the last word: it is of that moment.
    check("proc.name = curl", true, true);
}

fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    payload::text(bytes, &mut text);
    text
}

#[test]
fn what_does_not_print_is_a_dot() {
    assert_eq!(
        text(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        "GET / HTTP/1.1\nHost: a\n\n"
    );
    assert_eq!(text(b"\x1b[31mred\x07\x9b\0"), ".[31mred...\n");
    assert_eq!(text("\u{9b}2J\u{202e}é\tü\r".as_bytes()), ".2J.é\tü.\n");
    assert_eq!(text(&"é".as_bytes()[..1]), ".\n");
    assert_eq!(text(b""), "");
}

#[test]
fn hexadecimal_has_its_text_beside() {
    let mut hex = String::new();
    payload::hex(b"GET / HTTP/1.1\r\n\r\n", &mut hex);
    insta::assert_snapshot!(hex);
}

#[test]
fn secrets_are_covered_and_nothing_else() {
    let check = |from: &str, expected: &str| {
        let (redacted, count) = redact(&Bytes::copy_from_slice(from.as_bytes()));
        assert_eq!(redacted, expected, "{from}");
        assert_eq!(count > 0, from != expected);
    };
    check(
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    check(
        "authorization: Basic Zm9v\r\nA: b\r\n",
        "authorization: **********\r\nA: b\r\n",
    );
    check("X: y\nSet-Cookie:a=b; c\n", "X: y\nSet-Cookie:******\n");
    check("Cookie: cut", "Cookie: ***");
    check("a=b&password=hush&c=d", "a=b&password=****&c=d");
    check("GET /?token=t0&x=1 HTTP/1.1", "GET /?token=**&x=1 HTTP/1.1");
    check("mypassword=open", "mypassword=open");
    check("password=", "password=");
    check(
        r#"{"user":"u","password" : "a\"b","z":1}"#,
        r#"{"user":"u","password" : "****","z":1}"#,
    );
    check(r#"b","password":"cut"#, r#"b","password":"***"#);
    check("The cookie: is eaten", "The cookie: is eaten");
}

proptest::proptest! {
    #[test]
    fn any_payload_can_be_redacted_and_printed(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let payload = Bytes::from(bytes);
        let (redacted, _) = redact(&payload);
        proptest::prop_assert_eq!(redacted.len(), payload.len());
        let safe = |char: char| !char.is_control() || matches!(char, '\n' | '\t');
        proptest::prop_assert!(text(&payload).chars().all(safe));
    }

    #[test]
    fn words_of_secrets_in_any_order_can_be_too(words in proptest::collection::vec(proptest::sample::select(vec!["\"", "password", ":", "=", "\\", " ", "\n", "cookie", "é", "&"]), 0..30)) {
        let payload = Bytes::from(words.concat());
        proptest::prop_assert_eq!(redact(&payload).0.len(), payload.len());
    }
}

#[test]
fn a_secret_that_holds_names_of_secrets_is_one() {
    let payload = Bytes::from("token=".repeat(3) + "x y&token=z");
    let (redacted, count) = redact(&payload);
    assert_eq!(redacted, "token=************* y&token=*");
    assert_eq!(count, 2);
}

#[test]
fn fuzz_payload() {
    const SEEDS: &[&str] = &[
        "POST /login?token=abc&x=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Basic x\r\nCookie: a=b; c=d\r\n\r\npassword=hunter2&y=%20",
        "{\"user\":\"a\",\"password\" : \"b\\\"c\",\"api_key\":[\"d\"],\"token\":12}",
        "<password>x</password> secret: 'y'\x1b[31m\u{202e}",
    ];
    crate::fuzz::run(SEEDS, |bytes| {
        let payload = Bytes::copy_from_slice(bytes);
        let (redacted, count) = redact(&payload);
        assert_eq!(redacted.len(), payload.len());
        let safe = |char: char| !char.is_control() || matches!(char, '\n' | '\t');
        assert!(text(&payload).chars().all(safe));
        count
    });
}
