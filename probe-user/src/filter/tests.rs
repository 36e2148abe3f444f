use std::{fmt::Write as _, net::IpAddr};

use super::{field::TABLE, *};

mod any;
mod every;

/// An edge from `client` (10.0.0.2) to `web` (10.0.0.3) on port 80.
struct Sample;

impl Record for Sample {
    fn each(&self, field: Field, key: &str, tell: &mut dyn FnMut(Value<'_>)) {
        let address = |text: &str| Value::Address(text.parse::<IpAddr>().unwrap());
        match field {
            Field::ContainerId => ["a", "b"]
                .iter()
                .for_each(|digit| tell(Value::Text(&digit.repeat(64)))),
            Field::ContainerName => ["client", "web"]
                .map(Value::Text)
                .into_iter()
                .for_each(tell),
            Field::ContainerLabel if key == "tier" => tell(Value::Text("Front End")),
            Field::FdIp | Field::FdNet => ["10.0.0.2", "10.0.0.3"]
                .map(address)
                .into_iter()
                .for_each(tell),
            Field::FdSport | Field::FdPort => tell(Value::Number(80)),
            Field::EvtBytes => tell(Value::Number(12_000)),
            Field::EvtFailed => tell(Value::Flag(false)),
            Field::ProcCmdline => tell(Value::Text("python -m web.server")),
            _ => {}
        }
    }
}

fn parse(text: &str) -> Filter {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_table_is_in_the_order_of_the_fields() {
    for (index, spec) in TABLE.iter().enumerate() {
        assert_eq!(spec.field as usize, index, "{}", spec.name);
    }
}

#[test]
fn expressions_hold_or_not() {
    let check = |text: &str, holds: bool| {
        assert_eq!(parse(text).matches(&Sample), holds, "{text}");
    };
    check("container.name = web", true);
    check("container.name=client and container.name=web", true);
    check("container.name != web", false);
    check("container.name != db", true);
    check("not container.name = db", true);
    check("fd.ip=10.0.0.2 and fd.ip=10.0.0.3", true);
    check("fd.ip=10.0.0.2 and fd.ip=10.0.0.4", false);
    check("fd.ip != 10.0.0.2", false);
    check("fd.ip in (10.9.9.9, ::ffff:10.0.0.3)", true);
    check("fd.net = 10.0.0.0/8", true);
    check("fd.net = 192.168.0.0/16 or fd.net=fd00::/8", false);
    check("container.id = aaaaaaaaaaaa", true);
    check(&format!("container.id = {}", "b".repeat(64)), true);
    check("container.id = abab", false);
    check("fd.sport >= 80 and fd.sport < 81", true);
    check("fd.sport > 80 or fd.sport <= 79", false);
    check("evt.bytes > 10k", true);
    check("evt.bytes > 12kB", false);
    check("container.label.tier = \"Front End\"", true);
    check("container.label.tier icontains 'front'", true);
    check("container.label.tier contains front", false);
    check("container.label.\"tier\" startswith Front", true);
    check("container.label.other exists", false);
    check("container.label.tier exists", true);
    check("container.name glob w?b", true);
    check("container.name glob [!a-vx-z]eb", true);
    check("container.name glob eb", false);
    check("proc.cmdline glob *web.*", true);
    check(r#"proc.cmdline regex "python.*\.server""#, true);
    check("proc.cmdline regex python", false);
    check("proc.cmdline endswith .server", true);
    check("evt.failed = false", true);
    check("proc.pid exists", false);
    check("proc.pid != 7", true);
    check(
        "container.name=db or container.name=web and fd.sport=81",
        false,
    );
    check(
        "(container.name=db or container.name=web) and fd.sport=80",
        true,
    );
    check("not (container.name=db or container.name=web)", false);
    check("not not container.name=web", true);
}

#[test]
fn filters_are_written_as_one_would() {
    let check = |text: &str, printed: &str| assert_eq!(parse(text).to_string(), printed);
    check("proc.pid=1", "proc.pid = 1");
    check("(( proc.pid==1 ))", "proc.pid = 1");
    check(
        "(a.b or proc.pid=1)"
            .replace("a.b", "proc.name exists")
            .as_str(),
        "proc.name exists or proc.pid = 1",
    );
    check(
        "(proc.pid=1 or proc.pid=2)and(proc.uid=0)",
        "(proc.pid = 1 or proc.pid = 2) and proc.uid = 0",
    );
    check("proc.pid in(1,2 , 3)", "proc.pid in (1, 2, 3)");
    check("evt.bytes>10k", "evt.bytes > 10k");
    check(
        "proc.name = 'it\\'s'",
        "proc.name = it's".replace("it's", "\"it's\"").as_str(),
    );
    check(
        "container.label.com.example/x-y=z",
        "container.label.com.example/x-y = z",
    );
    check(
        "container.label.'a b' = 'and'",
        "container.label.\"a b\" = \"and\"",
    );
    check(
        "not(proc.pid=1 and proc.uid=2)",
        "not (proc.pid = 1 and proc.uid = 2)",
    );
    check(
        "proc.pid=1\n\tand  proc.uid=2",
        "proc.pid = 1 and proc.uid = 2",
    );
}

#[test]
fn every_fault_has_its_message() {
    let deep = format!("{}proc.pid=1{}", "(".repeat(70), ")".repeat(70));
    let nots = format!("{}proc.pid=1", "not ".repeat(70));
    let long = format!("proc.name = {}", "x".repeat(70_000));
    let far = format!("{} and proc.nmae=x", vec!["proc.pid=1"; 30].join(" and "));
    let faults = [
        "",
        "   ",
        "and",
        "proc.pid=1 and",
        "proc.pid=1 or or proc.pid=2",
        "not",
        "()",
        "proc.nmae = web",
        "container.nam contains x",
        "foo = 1",
        "proc.pid.x = 1",
        "container.label = x",
        "container.label. = x",
        "container.label.\"\" = x",
        "container.labels.x = y",
        "proc.name",
        "proc.name web",
        "proc.name like web",
        "proc.name contain web",
        "proc.name ~ web",
        "proc.name ! web",
        "proc.name & x",
        "container.label.x y",
        "proc.name > web",
        "proc.pid contains 1",
        "fd.ip startswith 10.",
        "evt.failed < true",
        "fd.net contains 10",
        "container.id >= a",
        "proc.name =",
        "proc.pid = )",
        "fd.ip = ",
        "evt.latency > ",
        "proc.pid = web",
        "evt.bytes > 10q",
        "evt.latency > 5",
        "fd.ip = 10.0.0.0/8",
        "fd.ip = web",
        "fd.net = 10.0.0.0/33",
        "evt.failed = no",
        "container.id = abc",
        "proc.name = and",
        "proc.name = not web",
        "proc.pid in 1",
        "proc.pid in",
        "proc.pid in (",
        "proc.pid in ()",
        "proc.pid in (1 2)",
        "proc.pid in (1, web)",
        "proc.pid in (1,",
        "proc.pid=1 proc.pid=2",
        "proc.pid=1 && proc.pid=2",
        "proc.pid=1 AND proc.pid=2",
        "proc.pid=1, proc.pid=2",
        "proc.pid=1 || proc.pid=2",
        "(proc.pid=1",
        "((proc.pid=1) and proc.uid=2",
        "(proc.pid=1 proc.uid=2)",
        "proc.pid=1)",
        "proc.name = \"web",
        "proc.name = 'web\"",
        "container.label.\"x = 1",
        "proc.name regex \"(\"",
        "proc.name regex \"a)|(b\"",
        "proc.name regex \"[z-a]\"",
        "proc.name glob [z-a]",
        "proc.pid=1 and\n  proc.nmae=x\n  or proc.uid=2",
        "proc.name=日本 and proc.nmae=x",
        "\tproc.nmae = \u{1b}[31m",
        &deep,
        &nots,
        &long,
        &far,
    ];
    let mut all = String::new();
    for fault in faults {
        let error = fault.parse::<Filter>().expect_err(fault);
        writeln!(all, "{error}\n").unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn what_can_never_match_is_told() {
    let check = |text: &str, kind: Kind, why: Option<&str>| {
        assert_eq!(parse(text).never(kind).as_deref(), why, "{text}");
    };
    let pid = Some("what is asked of proc.pid contradicts itself");
    let process = Kind::Process;
    check("proc.pid=1 and proc.pid=2", process, pid);
    check("proc.pid=1 and (proc.uid=0 and proc.pid=2)", process, pid);
    check("proc.pid in (1,2) and proc.pid in (3,4)", process, pid);
    check("proc.pid in (1,2) and proc.pid in (2,3)", process, None);
    check("proc.pid=1 and not proc.pid=1", process, pid);
    check("proc.pid=1 and proc.pid!=1", process, pid);
    check("proc.pid!=1 and proc.pid!=2", process, None);
    check("proc.pid=1 or proc.pid=2", process, None);
    check("(proc.pid=1 or proc.pid=2) and proc.pid=3", process, pid);
    check("not (proc.pid!=1 or proc.pid!=2)", process, pid);
    check("proc.pid > 10 and proc.pid < 5", process, pid);
    check("proc.pid > 10 and proc.pid < 12", process, None);
    check("proc.pid > 10 and proc.pid < 11", process, pid);
    check("proc.pid < 0", process, pid);
    check("proc.pid = 5 and proc.pid > 7", process, pid);
    check("proc.pid exists and not proc.pid exists", process, pid);
    let name = Some("what is asked of proc.name contradicts itself");
    check("proc.name=web and proc.name startswith x", process, name);
    check("proc.name=web and proc.name startswith w", process, None);
    check("fd.ip = 10.0.0.1", process, Some("a process has no fd.ip"));
    check("fd.ip != 10.0.0.1", process, None);
    check("fd.ip = 10.0.0.1 or proc.pid = 1", process, None);
    check(
        "evt.latency > 5ms",
        Kind::Message,
        Some("a message has no evt.latency"),
    );
    // An edge has two ends.
    check("container.name=a and container.name=b", Kind::Edge, None);
    check(
        "container.name=a and container.name!=a",
        Kind::Edge,
        Some("what is asked of container.name contradicts itself"),
    );
    check(
        "container.name=a and container.name=b",
        process,
        Some("what is asked of container.name contradicts itself"),
    );
    let label = Some("what is asked of container.label.x contradicts itself");
    check(
        "container.label.x=a and container.label.x=b",
        process,
        label,
    );
    check("container.label.x=a and container.label.y=b", process, None);
    // More alternatives than are looked at.
    let many = vec!["(proc.pid=1 or proc.pid=2)"; 40].join(" and ");
    check(&format!("{many} and proc.pid=3"), process, None);
}
