//! `probe top` on a real engine: its figures against the kernel's, Docker's and the workload's own.
//!
//! The machine may be busy: nothing here depends on how much of it a container gets, but on what
//! it has used by the kernel's account.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::time::Duration;

use probe_tests::{Container, Engine, Network, Probe, Terminal, image, objects};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);
/// `USER_HZ`, the unit of times in `/proc`.
const TICKS: f64 = 100.0;

/// The lines that a probe printed of what is called so, in order.
fn lines(printed: &str, key: &str, name: &str) -> Vec<Value> {
    let all = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    all.filter(|line: &Value| line[key] == name).collect()
}

fn number(line: &Value, key: &str) -> f64 {
    line[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} of {line:#}"))
}

/// A line's time, in seconds of its day.
fn time(line: &Value) -> f64 {
    let text = line["time"].as_str().unwrap();
    let clock = text.split_once('T').unwrap().1.trim_end_matches('Z');
    clock
        .split(':')
        .fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap())
}

/// What the rates of one name add up to over their intervals.
fn sum_of_rates(printed: &str, key: &str, name: &str, rate: &str) -> f64 {
    let mut times: Vec<f64> = printed
        .lines()
        .map(|line| time(&serde_json::from_str(line).unwrap()))
        .collect();
    times.dedup();
    let amounts = lines(printed, key, name).into_iter().map(|line| {
        let at = times
            .iter()
            .position(|at| at.to_bits() == time(&line).to_bits())
            .unwrap();
        // The first interval began when watching did: a second before.
        let passed = at
            .checked_sub(1)
            .map_or(1.0, |before| times[at] - times[before]);
        number(&line, rate) * passed
    });
    amounts.sum()
}

/// A busybox shell that runs `script`.
fn shell<'engine>(
    engine: &'engine Engine,
    name: &str,
    options: &[&str],
    script: &str,
) -> Container<'engine> {
    let mut start = Container::of(engine, &image::BUSYBOX, name).unwrap();
    for option in options {
        start = start.option(option);
    }
    start.command(["sh", "-c", script]).run().unwrap()
}

/// CPU seconds of a container's first process: its own, and of its children that it waited for.
fn used(container: &Container<'_>) -> (f64, f64) {
    let pid = container.inspect("{{.State.Pid}}").unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, after) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = after.split_whitespace().collect();
    // Fields 14 to 17 of proc(5), of which 3 is the first here.
    let ticks = |field: usize| fields[field - 3].parse::<f64>().unwrap();
    (
        (ticks(14) + ticks(15)) / TICKS,
        (ticks(16) + ticks(17)) / TICKS,
    )
}

fn top(engine: &Engine, args: &[&str]) -> Probe {
    let words = ["top"].iter().chain(args).chain(&["-o", "json"]);
    Probe::start(engine, words).unwrap()
}

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
fn memory_is_as_docker_stats_has_it() {
    let engine = Engine::start().unwrap();
    // Pages of a tmpfs are its own; those of a file that was read once are not counted.
    let script = "dd if=/dev/zero of=/mem/file bs=1M count=64 && \
                  dd if=/dev/zero of=/file bs=1M count=32 && cat /file >/dev/null && \
                  echo ready && sleep 600";
    let options = ["--memory", "256m", "--tmpfs", "/mem"];
    let container = shell(&engine, "holder", &options, script);
    container.wait_for_line("ready", SOON).unwrap();
    let probe = top(&engine, &["containers", "--count", "1"]);
    let printed = probe.wait(SOON).unwrap().stdout;
    let stats = [
        "stats",
        "--no-stream",
        "--format",
        "{{.MemUsage}}",
        "holder",
    ];
    let docker = engine.docker(stats).unwrap();

    let line = &lines(&printed, "name", "holder")[0];
    let ours = number(line, "memory");
    let theirs = bytes(docker.split_once(" / ").unwrap().0);
    assert!(
        (ours / theirs - 1.0).abs() < 0.05,
        "{ours} against {docker}"
    );
    assert!(ours > f64::from(64 << 20), "{ours}");
    assert_eq!(line["memory_limit"], 256 << 20);
    assert_eq!(line["oom_kills"], 0);
    assert_eq!(line["id"], container.id());
}

/// `65.3MiB`, as Docker writes it.
fn bytes(text: &str) -> f64 {
    let end = text.find(|char: char| char.is_alphabetic()).unwrap();
    let factor = match &text[end..] {
        "B" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        unit => panic!("the unit {unit}"),
    };
    text[..end].parse::<f64>().unwrap() * factor
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
fn bytes_agree_with_the_graphs_and_the_workloads() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = Container::of(&engine, &image::WORKLOAD, "server")
        .unwrap()
        .on(&network)
        .label("com.docker.compose.project", "shop")
        .label("com.docker.compose.service", "back")
        .command(["serve", "--port", "7000"])
        .run()
        .unwrap();
    server.wait_for_line("listening", SOON).unwrap();
    let to = format!("{}:7000", server.ip(&network).unwrap());
    let probes =
        ["containers", "connections", "ports", "services"].map(|list| top(&engine, &[list]));
    let graph = Probe::graph(&engine, &["--filter", "container.name = client"]).unwrap();
    let other = Probe::graph(
        &engine,
        &["--filter", "container.name = client and fd.sport = 1"],
    );
    let client = Container::of(&engine, &image::WORKLOAD, "client")
        .unwrap()
        .on(&network)
        .command(["connect", "--to", &to, "--connections", "300"])
        .command(["--request", "1000", "--response", "20000"])
        .run()
        .unwrap();
    let tally = client.tally().unwrap();
    assert_eq!(tally.connections, 300);
    // Each line of a look has the look's time.
    let times = |printed: &str| {
        let mut times: Vec<String> = objects(printed)
            .unwrap()
            .iter()
            .map(|line| line["time"].to_string())
            .collect();
        times.dedup();
        times.len()
    };
    for probe in &probes {
        let seen = times(&probe.lines().unwrap());
        probe
            .wait_for_stdout("two more looks", SOON, |lines| times(lines) >= seen + 2)
            .unwrap();
    }

    let [containers, connections, ports, services] =
        probes.map(|probe| probe.interrupt().unwrap().stdout);
    let graph = graph.finish().unwrap();
    assert_eq!(graph.edges_of(&["client"]).len(), 1);
    let edge = graph.edge("client", "server", 7000).unwrap();
    assert_eq!(edge["bytes_sent"], tally.bytes_sent);
    assert_eq!(
        other.unwrap().finish().unwrap().json["edges"]
            .as_array()
            .unwrap()
            .len(),
        0
    );

    let of_edge = lines(&connections, "client", "client");
    let last = of_edge.last().unwrap();
    assert_eq!(last["sent_total"], edge["bytes_sent"]);
    assert_eq!(last["received_total"], edge["bytes_received"]);
    assert_eq!(last["opened_total"], edge["connections_opened"]);
    assert_eq!(
        (&last["server"], &last["listener"]),
        (&"server".into(), &"7000".into())
    );
    let port = lines(&ports, "server", "server");
    assert_eq!(port.last().unwrap()["in_total"], tally.bytes_sent);
    assert_eq!(port.last().unwrap()["clients"], 1);

    let check = |printed: &str, key: &str, name: &str, rate: &str, expected: u64| {
        let sum = sum_of_rates(printed, key, name, rate);
        #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
        let expected = expected as f64;
        assert!(
            (sum / expected - 1.0).abs() < 0.1,
            "{rate} of {name}: {sum} of {expected}"
        );
    };
    check(&connections, "client", "client", "sent", tally.bytes_sent);
    check(&containers, "name", "server", "net_in", tally.bytes_sent);
    check(
        &containers,
        "name",
        "server",
        "net_out",
        tally.bytes_received,
    );
    check(&ports, "server", "server", "out", tally.bytes_received);
    check(
        &services,
        "service",
        "shop/back",
        "net_in",
        tally.bytes_sent,
    );
}

#[test]
fn tables_and_csv_have_a_line_each() {
    let engine = Engine::start().unwrap();
    let _container = shell(&engine, "box", &[], "sleep 600");
    let args = ["top", "--filter", "container.name=box", "--count", "2"];
    let table = Probe::start(&engine, args)
        .unwrap()
        .wait(SOON)
        .unwrap()
        .stdout;
    let looks: Vec<&str> = table.split("\n\n").collect();
    assert_eq!(looks.len(), 2, "{table}");
    for look in looks {
        let lines: Vec<&str> = look.trim().lines().collect();
        assert!(
            lines[0].starts_with("CONTAINER") && lines[1].starts_with("box"),
            "{table}"
        );
    }
    let csv = Probe::start(&engine, args.iter().chain(&["-o", "csv"]))
        .unwrap()
        .wait(SOON)
        .unwrap()
        .stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 3, "{csv}");
    assert!(lines[0].starts_with("time,name,id,"), "{csv}");
    assert!(lines[2].contains(",box,"), "{csv}");
}

#[test]
fn a_terminal_is_drilled_into_resized_and_left_as_it_was() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = Container::of(&engine, &image::WORKLOAD, "server")
        .unwrap()
        .on(&network)
        .command(["serve", "--port", "7000"])
        .run()
        .unwrap();
    server.wait_for_line("listening", SOON).unwrap();
    let mut terminal = Terminal::start(&engine, &["top", "--sort", "name"], (80, 24)).unwrap();
    terminal
        .wait_for("the container", |screen| {
            screen.contains("CONTAINER▼") && screen.contains("server")
        })
        .unwrap();
    let to = format!("{}:7000", server.ip(&network).unwrap());
    let client = Container::of(&engine, &image::WORKLOAD, "client")
        .unwrap()
        .on(&network)
        .command(["connect", "--to", &to, "--connections", "10"])
        .run()
        .unwrap();
    client.tally().unwrap();

    terminal.click("CPU%").unwrap();
    terminal
        .wait_for("the sorting column", |screen| screen.contains("CPU%▼"))
        .unwrap();
    terminal.click("CONTAINER").unwrap();
    terminal
        .wait_for("the names", |screen| screen.contains("CONTAINER▼"))
        .unwrap();
    terminal.press("/container.name = server\r").unwrap();
    terminal
        .wait_for("the filter", |screen| {
            screen.contains("container.name = server")
        })
        .unwrap();
    terminal.press("\r").unwrap();
    terminal
        .wait_for("its processes", |screen| {
            screen.contains("server › processes") && screen.contains("/bin/workload serve")
        })
        .unwrap();
    terminal.press("\r").unwrap();
    terminal
        .wait_for("its connections", |screen| {
            screen.contains("› connections") && screen.contains("client") && screen.contains("7000")
        })
        .unwrap();
    terminal.resize((20, 5)).unwrap();
    terminal
        .wait_for("five rows", |screen| {
            screen.lines().count() <= 5 && screen.contains("CLIENT")
        })
        .unwrap();
    terminal.resize((300, 100)).unwrap();
    terminal
        .wait_for("all columns", |screen| screen.contains("RECEIVED"))
        .unwrap();
    terminal.press("\x1b").unwrap();
    terminal
        .wait_for("the way back", |screen| !screen.contains("› connections"))
        .unwrap();
    terminal.press("?").unwrap();
    terminal
        .wait_for("the keys", |screen| {
            screen.contains("sort by another column")
        })
        .unwrap();
    terminal.press("x").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.ended().unwrap().success());
}
