use std::fmt::Write as _;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::Value;

use super::{JSON_SCHEMA, read, wire, write};
use crate::{
    export::Snapshot,
    kernel::halves::Halves,
    topology::{Edge, Gap, Graph, Kind, sample},
};

fn json(snapshot: &Snapshot) -> String {
    let mut json = Vec::new();
    write(snapshot, &mut json).unwrap();
    String::from_utf8(json).unwrap()
}

fn validator() -> Validator {
    let schema: Value = serde_json::from_str(JSON_SCHEMA).unwrap();
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

#[track_caller]
fn is_valid(validator: &Validator, json: &str) {
    let document = serde_json::from_str(json).unwrap();
    let errors = validator.iter_errors(&document);
    let errors = errors.fold(String::new(), |mut all, error| {
        writeln!(all, "{}: {error}", error.instance_path).unwrap();
        all
    });
    assert_eq!(errors, "");
}

#[track_caller]
fn comes_back(snapshot: &Snapshot) {
    let back = read(&json(snapshot)).unwrap();
    assert!(back.graph.nodes().eq(snapshot.graph.nodes()));
    assert!(back.graph.keyed_edges().eq(snapshot.graph.keyed_edges()));
    assert_eq!(back.seen, snapshot.seen);
    assert_eq!(
        (back.started, back.ended),
        (snapshot.started, snapshot.ended)
    );
    assert_eq!(back.losses, snapshot.losses);
    assert_eq!(json(&back), json(snapshot));
}

/// With `UPDATE_SCHEMA` set, writes the file anew.
#[test]
fn the_schema_is_that_of_the_wire_types() {
    let schema = schemars::schema_for!(wire::Graph<'_>);
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/probe.graph-v1.json");
        std::fs::write(path, &text).unwrap();
    } else {
        assert_eq!(JSON_SCHEMA, text, "run the tests with UPDATE_SCHEMA=1");
    }
}

#[test]
fn documents_are_valid_and_come_back() {
    let validator = validator();
    for snapshot in [sample::shop(), sample::fleet(), sample::most_hostile()] {
        is_valid(&validator, &json(&snapshot));
        comes_back(&snapshot);
    }
}

#[test]
fn kept_connections_come_back() {
    let mut shop = sample::shop();
    let edges = shop
        .graph
        .keyed_edges()
        .zip(1..)
        .map(|((key, edge), number)| {
            let edge = Edge {
                halves: Halves::of([number << 40, u64::MAX - number]),
                ..edge.clone()
            };
            (key.source, key.target, edge)
        });
    let graph = Graph::with_edges(
        shop.graph.nodes().cloned().collect(),
        edges.collect::<Vec<_>>(),
    );
    shop.graph = graph.unwrap().into();
    let text = json(&shop);
    assert!(text.contains("\"0000010000000000\""));
    is_valid(&validator(), &text);
    comes_back(&shop);
    let error = read(&text.replace("0000010000000000", "+000010000000000")).unwrap_err();
    let expected = "\"+000010000000000\" is no pair of sequence numbers: 16 hexadecimal digits";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn calls_that_nobody_counted_are_null() {
    let snapshot = sample::with_gaps(sample::shop(), Gap::Calls.into());
    let text = json(&snapshot);
    assert!(text.contains("\"sends\": null") && !text.contains("\"sends\": 0"));
    is_valid(&validator(), &text);
    comes_back(&snapshot);
    // A document that does not say why says the same.
    let gaps = "      \"gaps\": [\n        \"calls\"\n      ]";
    assert!(text.contains(gaps), "{text}");
    let old = read(&text.replace(gaps, "      \"new\": null")).unwrap();
    assert_eq!(json(&old), text);
}

#[test]
fn every_gap_comes_back() {
    for gap in Gap::ALL {
        let snapshot = sample::with_gaps(sample::shop(), gap.into());
        // Whether connections stood already, figures tell.
        let is_told = gap != Gap::Existing;
        let text = json(&snapshot);
        let document: Value = serde_json::from_str(&text).unwrap();
        let told = is_told.then(|| Value::from([gap.as_str()].as_slice()));
        assert_eq!(document["edges"][0].get("gaps"), told.as_ref());
        is_valid(&validator(), &text);
        comes_back(&snapshot);
    }
}

#[test]
fn the_schema_refuses_what_is_no_graph() {
    let validator = validator();
    let good: Value = serde_json::from_str(&json(&sample::shop())).unwrap();
    let refuses = |pointer: &str, value: Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&bad), "{pointer}");
    };
    refuses("/nodes/0/kind", "pod".into());
    refuses("/edges/0/port", 65_536.into());
    refuses("/edges/0/bytes_sent", (-1).into());
    refuses("/edges/0/join", "guess".into());
    refuses("/started", "yesterday".into());
}

#[test]
fn a_document_as_first_written_is_read() {
    let old = r#"{"schema": "probe.graph/v1", "host": "h", "started": "2026-11-21T05:00:00Z",
        "ended": "2026-11-21T05:00:10Z", "new": {"to": "us"},
        "nodes": [{"id": "external:192.0.2.1", "kind": "external", "name": "192.0.2.1", "labels": {}},
                  {"id": "process:a", "kind": "process", "name": "a", "labels": {}}],
        "edges": [{"source": "process:a", "target": "external:192.0.2.1", "protocol": "tcp", "port": 80,
            "connections_opened": 2, "connections_closed": 2, "connections_failed": 1,
            "bytes_sent": 3, "bytes_received": 4, "sends": 5, "receives": 6, "join": "one-sided"}],
        "losses": {"flows_dropped": 7, "records_dropped": 0}}"#;
    let snapshot = read(old).unwrap();
    assert_eq!(snapshot.host(), "h");
    assert_eq!(snapshot.losses.flows_dropped, 7);
    let external = snapshot
        .graph
        .nodes()
        .find(|node| node.kind == Kind::External);
    assert_eq!(
        external.unwrap().addresses,
        ["192.0.2.1".parse::<std::net::IpAddr>().unwrap()]
    );
    let (.., edge) = snapshot.graph.edges().next().unwrap();
    assert_eq!(edge.joins.values().sum::<u64>(), 3);
}

#[test]
fn what_is_wrong_with_a_document_is_said() {
    let good = json(&sample::shop());
    let says = |from: &str, to: &str, expected: &str| {
        assert!(good.contains(from), "{from}");
        let error = anyhow::Error::new(read(&good.replace(from, to)).unwrap_err());
        let error = format!("{error:#}");
        assert!(error.starts_with(expected), "{error}");
    };
    says(
        "probe.graph/v1",
        "probe.graph/v2",
        "its schema is \"probe.graph/v2\", and only",
    );
    says(
        "\"schema\"",
        "\"schema2\"",
        "it is no graph in JSON: missing field `schema`",
    );
    says(
        "2026-01-02T03:04:05Z",
        "noon",
        "\"noon\" is no time in RFC 3339",
    );
    says(
        "\"port\": 80,",
        "",
        "the edge from \"external:192.0.2.7\" to",
    );
    says(
        "\"id\": \"process:lone\"",
        "\"id\": \"process:other\"",
        "its parts do not fit together: an edge names the node \"process:lone\", which is not there",
    );
    says(
        "\"port\": 5433",
        "\"port\": 5432",
        "its parts do not fit together: the edge from",
    );
    let cut = &good[..good.len() / 2];
    assert!(read(cut).is_err());
}

proptest! {
    #[test]
    fn any_names_come_back(names in sample::names()) {
        let snapshot = sample::hostile(&names);
        comes_back(&snapshot);
        is_valid(&validator(), &json(&snapshot));
    }

    #[test]
    fn any_text_is_a_graph_or_an_error(text in any::<String>()) {
        let _ = read(&text);
    }
}

/// A saved graph, which somebody may have edited, through all that can be made of it.
#[test]
fn fuzz_graph() {
    use crate::export::{csv, dot, graphml, mermaid};
    use crate::topology::{Delta, Externals, Level, Shape, merge, question::Question};

    let seeds = [sample::shop(), sample::fleet(), sample::most_hostile()].map(|shot| json(&shot));
    crate::fuzz::run(&seeds, |bytes| {
        let snapshot = match read(&String::from_utf8_lossy(bytes)) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                let told = error.to_string();
                return (
                    told.chars()
                        .filter(char::is_ascii_alphabetic)
                        .take(30)
                        .collect(),
                    0,
                );
            }
        };
        // What is missing is filled in once, and then it stays.
        let whole = json(&snapshot);
        assert_eq!(json(&read(&whole).unwrap()), whole);
        let mut text = Vec::new();
        dot::write(&snapshot, &mut text).unwrap();
        graphml::write(&snapshot, &mut text).unwrap();
        mermaid::write(&snapshot, &mut text).unwrap();
        csv::write(&snapshot, &mut text).unwrap();
        let merged = merge::merge(&[snapshot.clone(), sample::shop()]);
        drop(Delta::between(&sample::shop().graph, &snapshot.graph));
        for question in [
            Question::Cycles,
            Question::Orphans,
            Question::From("web".into(), None),
        ] {
            drop(question.ask(&snapshot.graph));
        }
        let shape = Shape {
            level: Level::Service,
            externals: Externals::Name,
            max_externals: 1,
        };
        let shaped = shape.of_saved(snapshot);
        (
            format!("{} {}", merged.is_ok(), shaped.is_ok()),
            bytes.len() / 1024,
        )
    });
}
