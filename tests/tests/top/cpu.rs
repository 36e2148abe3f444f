//! CPU, by the kernel's account.

use probe_tests::{Engine, Probe, objects};
use serde_json::Value;

use crate::{SOON, lines, number, shell, time, top, used};

#[test]
fn cpu_is_the_kernels_own_figure() {
    let engine = Engine::start().unwrap();
    let burner = shell(&engine, "burner", &[], "while :; do :; done");
    let idle = shell(&engine, "idle", &[], "sleep 600");
    let (before, _) = used(&burner);
    let probe = top(&engine, &["containers"]);
    look(&probe, "burner", 1);
    let (after_first, _) = used(&burner);
    look(&probe, "burner", 3);
    let (before_last, _) = used(&burner);
    // The next one may have been under way.
    look(&probe, "burner", looks(&probe, "burner") + 2);
    let printed = probe.interrupt().unwrap().stdout;
    let (after, _) = used(&burner);

    let lines = lines(&printed, "name", "burner");
    for pair in lines.windows(2) {
        let seconds = number(&pair[1], "cpu_seconds") - number(&pair[0], "cpu_seconds");
        let passed = time(&pair[1]) - time(&pair[0]);
        let (percent, told) = (seconds / passed * 100.0, number(&pair[1], "cpu"));
        // The time of a line is that of its look, which takes a moment itself.
        let near = (percent - told).abs() <= percent.mul_add(0.1, 2.0);
        assert!(near, "{percent} is shown as {told}");
        // One thread: no more than one CPU, and on any machine more than nothing.
        assert!((5.0..110.0).contains(&told), "{told}");
    }
    // By the kernel's account of the process, which began a moment after its cgroup.
    let (first, last) = (
        number(&lines[0], "cpu_seconds"),
        number(lines.last().unwrap(), "cpu_seconds"),
    );
    for (earlier, told, later) in [(before, first, after_first), (before_last, last, after)] {
        assert!(earlier - 0.05 <= told, "{earlier} then {told}");
        assert!(told <= later * 1.02 + 0.2, "{told} then {later}");
    }

    let rest = lines_of_idle(&printed);
    assert!(rest < 5.0, "an idle one used {rest}");
    assert!(idle.running().unwrap());
}

/// How often a running probe has told of that name.
fn looks(probe: &Probe, name: &str) -> usize {
    lines(&probe.lines().unwrap(), "name", name).len()
}

/// Waits until a running probe has told of that name so often.
fn look(probe: &Probe, name: &str, times: usize) {
    let seen = |printed: &str| lines(printed, "name", name).len() >= times;
    probe.wait_for_stdout("another look", SOON, seen).unwrap();
}

fn lines_of_idle(printed: &str) -> f64 {
    let idle = lines(printed, "name", "idle");
    number(idle.last().unwrap(), "cpu")
}

#[test]
fn containers_sort_by_what_they_use() {
    let engine = Engine::start().unwrap();
    let burn = "while :; do :; done";
    // So little that each gets it, also on a busy machine.
    let containers: Vec<_> = [
        ("two", "0.02"),
        ("eight", "0.08"),
        ("one", "0.01"),
        ("four", "0.04"),
    ]
    .map(|(name, cpus)| shell(&engine, name, &["--cpus", cpus], burn))
    .into();
    let args = [
        "containers",
        "--interval",
        "3s",
        "--count",
        "2",
        "--limit",
        "4",
    ];
    let filter = ["--filter", "container.name in (one, two, four, eight)"];
    let probe = top(&engine, &[&args[..], &filter].concat());
    let printed = probe.wait(SOON).unwrap().stdout;
    drop(containers);

    let all = objects(&printed).unwrap();
    assert_eq!(all.len(), 8, "{printed}");
    let names: Vec<_> = all[4..]
        .iter()
        .map(|line| line["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["eight", "four", "two", "one"], "{printed}");
    for (line, percent) in all[4..].iter().zip([8.0, 4.0, 2.0, 1.0]) {
        let cpu = number(line, "cpu");
        // A quota is looked at by the scheduler's clock: what ran over it by some milliseconds pays later.
        assert!(cpu <= percent * 1.3 + 1.0, "{cpu} of a quota of {percent}");
        assert!(number(line, "throttled") > 0.0, "{line:#}");
    }
}

#[test]
fn brief_processes_cost_what_they_cost() {
    let engine = Engine::start().unwrap();
    let script = "while :; do /bin/true; done";
    let forker = shell(&engine, "forker", &[], script);
    let processes = top(
        &engine,
        &[
            "processes",
            "--count",
            "3",
            "--filter",
            "container.name = forker",
        ],
    );
    // All that it looks at lies between this and the same afterwards.
    let (own_before, children_before) = used(&forker);
    let containers = top(&engine, &["containers", "--count", "3"]);
    let printed = containers.wait(SOON).unwrap().stdout;
    let (own_after, children_after) = used(&forker);

    let lines = lines(&printed, "name", "forker");
    let grown = number(&lines[2], "cpu_seconds") - number(&lines[0], "cpu_seconds");
    assert!(number(&lines[2], "cpu") > 1.0, "{printed}");
    let children = children_after - children_before;
    let all = own_after - own_before + children;
    assert!(children > 0.05, "it forks: {children}");
    // Two of the intervals that the kernel's account has more of.
    assert!(grown <= all * 1.2 + 0.3, "{grown} of {all}");
    assert!(
        number(&lines[2], "cpu_seconds") >= own_before + children_before,
        "{own_before} and {children_before} then {:#}",
        lines[2]
    );

    let printed = processes.wait(SOON).unwrap().stdout;
    let shells: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| {
            line["command_line"]
                .as_str()
                .unwrap()
                .starts_with("sh -c while")
        })
        .collect();
    let last = shells.last().unwrap();
    assert_eq!(last["container"], "forker");
    assert_eq!(last["vpid"], 1);
    assert!(number(last, "cpu_children") > 0.0, "{last:#}");
}

#[test]
fn processes_too_brief_to_be_listed_are_told_by_command() {
    const BRIEF: u64 = 300;
    let engine = Engine::start().unwrap();
    let script = format!(
        "until [ -e /go ]; do sleep 0.1; done; i=0; \
         while [ $i -lt {BRIEF} ]; do /bin/true; i=$((i+1)); done; echo done; sleep 600"
    );
    let brief = shell(&engine, "brief", &[], &script);
    let filter = ["--filter", "container.name = brief"];
    let probe = top(&engine, &[&["processes"], &filter[..]].concat());
    let ended = |printed: &str, name: &str| -> u64 {
        let lines = lines(printed, "name", name);
        let counts = lines.iter().filter_map(|line| line["ended"].as_u64());
        counts.sum()
    };
    let wait = |what: &str, name: &str, count: u64| {
        let seen = |printed: &str| ended(printed, name) >= count;
        probe.wait_for_stdout(what, SOON, seen).unwrap();
    };
    wait("a brief sleep", "sleep", 1);
    brief.exec(["touch", "/go"]).unwrap();
    brief.wait_for_line("done", SOON).unwrap();
    let (_, children) = used(&brief);
    wait("all ends", "true", BRIEF);
    let printed = probe.interrupt().unwrap().stdout;

    assert_eq!(ended(&printed, "true"), BRIEF);
    let cpu: f64 = lines(&printed, "name", "true")
        .iter()
        .filter(|line| !line["ended"].is_null())
        .map(|line| {
            assert_eq!(
                (&line["pid"], &line["container"]),
                (&Value::Null, &"brief".into())
            );
            assert!(number(line, "cpu") > 0.0, "{line:#}");
            number(line, "cpu_seconds")
        })
        .sum();
    // By the kernel's account of the shell's children, the brief sleeps among them.
    assert!(cpu <= children * 1.05 + 0.05, "{cpu} of {children}");
    assert!(cpu >= children * 0.5 - 0.05, "{cpu} of {children}");
}
