//! Tables, CSV and JSON of every list.

use std::process::Command;
use std::time::Duration;

use probe_tests::{Container, Engine, Network, Probe, image, objects, place};
use serde_json::Value;

use crate::{SOON, shell};

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

/// Each list with what is asked of it: the column to sort by, and a filter that lets some lines pass.
const LISTS: [(&str, &str, &str); 6] = [
    ("containers", "memory", "container.name in (client, server)"),
    (
        "processes",
        "pid",
        "container.name exists and proc.name != sleep",
    ),
    ("connections", "sent_total", "container.name = server"),
    ("ports", "in_total", "container.name = server"),
    ("services", "memory", "container.name exists"),
    ("files", "bytes_read", "container.name = client"),
];
const LOOKS: usize = 3;
/// Six probes start at once.
const PATIENCE: Duration = Duration::from_mins(1);

/// Two containers that talk on two ports, of a service each, and read files.
fn shop<'engine>(engine: &'engine Engine, network: &Network<'_>) -> [Container<'engine>; 2] {
    let run = |name: &str, script: &str| {
        let start = Container::of(engine, &image::BUSYBOX, name).unwrap();
        start
            .on(network)
            .label("com.docker.swarm.service.name", &format!("{name}s"))
            .command(["sh", "-c", script])
            .run()
            .unwrap()
    };
    let serve =
        "echo hello > /hello; httpd -p 8080 -h /; httpd -p 8081 -h /; echo listening; sleep 600";
    let server = run("server", serve);
    server.wait_for_line("listening", SOON).unwrap();
    let at = server.ip(network).unwrap();
    let ask = format!(
        "while :; do wget -q -O /got http://{at}:8080/hello; wget -q -O /got http://{at}:8081/hello; \
         cat /got /got > /both; wc /both; sleep 0.1; done"
    );
    let client = run("client", &ask);
    [server, client]
}

/// What each list prints with `-o OUTPUT`, all at the same time, from when all is to be seen.
fn printed(engine: &Engine, output: &str, more: &[&str]) -> Vec<String> {
    let count = LOOKS.to_string();
    let probes = LISTS.map(|(list, sort, filter)| {
        let words = [
            "top", list, "--sort", sort, "--filter", filter, "-o", output,
        ];
        let times = ["--interval", "700ms", "--count", &count];
        Probe::start(engine, words.iter().chain(&times).chain(more)).unwrap()
    });
    probes
        .into_iter()
        .map(|probe| probe.wait(PATIENCE).unwrap().stdout)
        .collect()
}

/// Objects of one look after another.
fn looks(printed: &str) -> Vec<Vec<Value>> {
    let objects = objects(printed).unwrap();
    let looks = objects.chunk_by(|a, b| a["time"] == b["time"]);
    looks.map(<[Value]>::to_vec).collect()
}

#[test]
fn every_list_is_sorted_filtered_limited_and_counted_in_every_form() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let _shop = shop(&engine, &network);
    let json = printed(&engine, "json", &[]);
    let turned = printed(&engine, "csv", &["--reverse"]);
    let limited = printed(&engine, "table", &["--limit", "1"]);
    for (number, (list, sort, _)) in LISTS.into_iter().enumerate() {
        let looks = looks(&json[number]);
        assert!((1..=LOOKS).contains(&looks.len()), "{list}: {looks:#?}");
        assert!(
            looks.iter().any(|look| look.len() > 1),
            "{list}: {looks:#?}"
        );
        for line in looks.iter().flatten() {
            assert_eq!(line["of"], list);
            let text = line.to_string();
            assert!(text.contains("client") || text.contains("server"), "{text}");
        }
        for look in &looks {
            let values: Vec<_> = look.iter().filter_map(|line| line[sort].as_f64()).collect();
            assert!(
                values.is_sorted_by(|a, b| a >= b),
                "{list} by {sort}: {values:?}"
            );
        }

        // The same columns in the same order, once.
        let mut lines = turned[number].lines();
        let titles: Vec<&str> = lines.next().unwrap().split(',').collect();
        let first = looks[0][0].as_object().unwrap();
        assert_eq!(
            (titles[0], titles.len()),
            ("time", first.len() - 1),
            "{list}"
        );
        assert!(
            titles[1..].iter().all(|title| first.contains_key(*title)),
            "{list}: {titles:?}"
        );
        let column = titles.iter().position(|title| *title == sort).unwrap();
        let lines: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
        assert!(!lines.is_empty(), "{list}");
        for look in lines.chunk_by(|a, b| a[0] == b[0]) {
            let values = look
                .iter()
                .filter_map(|line| line[column].parse::<f64>().ok());
            assert!(values.is_sorted(), "{list} by {sort}: {look:?}");
        }

        let tables = limited[number].split("\n\n").map(str::trim);
        let tables: Vec<Vec<&str>> = tables.map(|table| table.lines().collect()).collect();
        assert_eq!(tables.len(), LOOKS, "{list}: {tables:?}");
        assert!(
            tables.iter().all(|table| table.len() <= 2),
            "{list}: {tables:?}"
        );
        assert!(
            tables.iter().any(|table| table.len() == 2),
            "{list}: {tables:?}"
        );
    }
}

#[test]
fn a_column_that_is_not_there_is_told_with_those_that_are() {
    for (list, ..) in LISTS {
        let words = ["top", list, "--sort", "cpus"];
        let output = Command::new(place::probe()).args(words).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        let (_, there) = told
            .split_once(&format!("{list} have no column cpus"))
            .unwrap_or_else(|| panic!("{told}"));
        assert!(there.contains("; there are "), "{told}");
        assert_eq!(output.status.code(), Some(2), "{told}");
    }
}
