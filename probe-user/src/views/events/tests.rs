use std::time::Duration;

use super::*;
use crate::{
    filter::Filter,
    identity::{Names, processes::Processes},
    ids::{CgroupId, Nanos, NetNs, Pid},
    kernel::connections::Change,
};

const ID: &str = "3f2a1b4c5d6e7f8091a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4";

fn event(what: What) -> Event {
    let known = Host {
        directory: Arc::default(),
        ecs: None,
        addresses: Vec::new(),
        names: Names::default(),
    };
    let directory = &known.directory;
    directory.cgroup_made(CgroupId(7), &format!("/docker/{ID}"));
    let record = Record {
        time: Nanos(1),
        cgroup: CgroupId(7),
        what,
    };
    let time = "2026-01-02T03:04:05Z".parse().unwrap();
    let process = Processes::default().take_in(&record);
    Event::new(record, time, &known, process.as_deref())
}

const BIRTH: Birth = Birth {
    pid: Pid(12),
    inner_pid: Some(Pid(3)),
    parent: Pid(1),
    began: Duration::from_secs(7),
};

fn exec() -> Event {
    event(What::Exec {
        birth: BIRTH,
        uid: 0,
        command: "sh".to_owned(),
        path: "/bin/sh".to_owned(),
        command_line: Some("sh -c \u{1b}[31mred".to_owned()),
    })
}

fn exit(status: u8, signal: u8) -> Event {
    event(What::Exit {
        birth: BIRTH,
        status,
        signal,
        command: "sh".to_owned(),
        lived: Duration::from_micros(1_204_500),
        ran: Duration::from_millis(38),
    })
}

fn oom_kill() -> Event {
    event(What::OomKill {
        pid: Pid(12),
        command: Some("hungry".to_owned()),
    })
}

fn connection(change: Change, client: bool) -> Event {
    let (own, other) = ("172.18.0.3:50000", "[2001:db8::1]:80");
    event(What::Connection(Connection {
        change,
        pid: Some(Pid(12)),
        command: "wget".to_owned(),
        client,
        local: own.parse().unwrap(),
        remote: other.parse().unwrap(),
        netns: NetNs(4_026_531_840),
    }))
}

const TOOK: Option<Duration> = Some(Duration::from_micros(1_204));

fn failed(errno: u32) -> Event {
    let errno = (errno != 0).then_some(errno);
    connection(Change::Failed { errno, took: TOOK }, true)
}

fn closed(stood: Option<Duration>) -> Event {
    let (sent, received) = (108, 1000);
    connection(
        Change::Closed {
            stood,
            sent,
            received,
        },
        true,
    )
}

fn connections() -> [Event; 7] {
    [
        connection(Change::Connected { took: TOOK }, true),
        failed(111),
        failed(0),
        failed(4000),
        connection(Change::Accepted, false),
        closed(Some(Duration::from_millis(2_500))),
        closed(None),
    ]
}

#[test]
fn as_text() {
    let mut events = vec![exec(), exit(3, 0), exit(0, 9), exit(0, 34), oom_kill()];
    events.extend(connections());
    let lines: Vec<_> = events.iter().map(Event::text).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn as_json() {
    let mut events = vec![exec(), exit(3, 0), oom_kill()];
    events.extend(connections());
    let lines = events
        .iter()
        .map(|event| serde_json::to_string(event).unwrap());
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

/// What an agent tells is read again, whether or not it has a connection.
#[test]
fn json_is_read_again() {
    let mut events = vec![exec(), oom_kill()];
    events.extend(connections());
    for event in events {
        let json = serde_json::to_string(&event).unwrap();
        let again: Event = serde_json::from_str(&json).unwrap();
        assert_eq!(again.text(), event.text());
        assert_eq!(serde_json::to_string(&again).unwrap(), json);
    }
}

#[test]
fn events_pass_filters() {
    let check = |filter: &str, event: &Event, passes| {
        let filter: Filter = filter.parse().unwrap();
        let record = EventRecord {
            event,
            host: "here",
        };
        assert_eq!(filter.matches(&record), passes, "{filter}");
    };
    check(
        "evt.type = exec and proc.cmdline contains -c",
        &exec(),
        true,
    );
    check("evt.type = exit", &exec(), false);
    check("evt.failed = true", &exit(3, 0), true);
    check("evt.failed = true", &exit(0, 9), true);
    check("evt.failed = false", &exit(0, 0), true);
    check("evt.failed exists", &exec(), false);
    let refused = failed(111);
    check("evt.type = connect and evt.failed = true", &refused, true);
    check("evt.errno = ECONNREFUSED", &refused, true);
    check("evt.errno = 111 and evt.errno != 110", &refused, true);
    check("evt.latency > 1ms and evt.latency < 2ms", &refused, true);
    check("evt.bytes exists", &refused, false);
    let close = closed(Some(Duration::from_secs(7)));
    check("evt.type = close and evt.bytes = 1108", &close, true);
    check("evt.latency >= 7s and evt.failed exists", &close, false);
    check("fd.sport = 80 and fd.cport = 50000", &close, true);
    check("fd.lport = 80 or fd.rport = 50000", &close, false);
    check("fd.cip = 172.18.0.3 and fd.type = ipv4", &close, true);
    check("fd.net = 2001:db8::/32 and fd.proto = tcp", &close, true);
    check("proc.name = wget and proc.pid = 12", &close, true);
    check("container.id = 3f2a1b4c5d6e", &close, true);
    let accept = connection(Change::Accepted, false);
    check("fd.sport = 50000 and fd.sip = 172.18.0.3", &accept, true);
    check("evt.failed exists or evt.latency exists", &accept, false);
    check(
        "evt.type = oom-kill and proc.name = hungry",
        &oom_kill(),
        true,
    );
    check("fd.port exists", &oom_kill(), false);
    check(
        "container.id = 3f2a1b4c5d6e and host.name=here",
        &exec(),
        true,
    );
    check(
        "proc.exe = /bin/sh and proc.pid = 12 and proc.vpid = 3",
        &exec(),
        true,
    );
}

/// What an agent may send.
#[test]
fn fuzz_events() {
    let seeds = [exec(), exit(3, 0), exit(0, 9)];
    let seeds = seeds.map(|event| serde_json::to_string(&event).unwrap());
    crate::fuzz::run(&seeds, |bytes| {
        let event: Event = serde_json::from_slice(bytes).ok()?;
        let told = event.text();
        assert!(!told.contains(['\u{1b}', '\n', '\r']), "{told:?}");
        let record = EventRecord {
            event: &event,
            host: "vm",
        };
        let filter: Filter = "proc.name = sh and evt.type != exit".parse().unwrap();
        Some((filter.matches(&record), told.split_whitespace().count()))
    });
}

#[test]
fn what_a_process_calls_itself_cannot_act_on_a_terminal() {
    let mut event = exec();
    event.command = Some("\u{1b}]0;x\u{7}\u{202e}".to_owned());
    let told = event.text();
    assert!(!told.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{told:?}");
}
