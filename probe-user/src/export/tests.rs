//! Each format, on the shop and on names that try to break out of it.

use std::{collections::HashSet, io};

use proptest::prelude::*;

use super::{Snapshot, csv, dot, graphml, mermaid};
use crate::topology::sample;

fn text(write: impl Fn(&Snapshot, &mut Vec<u8>) -> io::Result<()>, snapshot: &Snapshot) -> String {
    let mut text = Vec::new();
    write(snapshot, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn the_shop_in_every_format() {
    let shop = sample::shop();
    insta::assert_snapshot!("shop_dot", text(dot::write, &shop));
    insta::assert_snapshot!("shop_mermaid", text(mermaid::write, &shop));
    insta::assert_snapshot!("shop_graphml", text(graphml::write, &shop));
    insta::assert_snapshot!("shop_csv", text(csv::write, &shop));
}

/// The CSV's names, ports and figures are the graph's.
fn csv_reads_back(snapshot: &Snapshot) {
    let text = text(csv::write, snapshot);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers().unwrap().clone();
    let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let records: Vec<_> = reader.records().map(Result::unwrap).collect();
    let edges: Vec<_> = snapshot.graph.edges().collect();
    assert_eq!(records.len(), edges.len());
    for (record, (source, target, edge)) in records.iter().zip(edges) {
        assert_eq!(&record[column("source")], source.id.as_str());
        assert_eq!(&record[column("target_name")], target.name);
        assert_eq!(
            record[column("bytes_sent")],
            edge.counts.bytes_sent.to_string()
        );
        let listener = edge.listener.port().map_or_else(
            || edge.listener.path().unwrap().to_owned(),
            |port| port.to_string(),
        );
        assert_eq!(record[column("listener")], listener);
    }
}

/// The GraphML is XML, with as many nodes and edges, and every end is a node.
fn graphml_parses(snapshot: &Snapshot) {
    let text = text(graphml::write, snapshot);
    let document = roxmltree::Document::parse(&text).unwrap();
    let called = |name: &'static str| document.descendants().filter(move |e| e.has_tag_name(name));
    let ids: HashSet<_> = called("node")
        .map(|node| node.attribute("id").unwrap())
        .collect();
    assert_eq!(ids.len(), snapshot.graph.nodes().count());
    assert_eq!(called("edge").count(), snapshot.graph.edges().count());
    for edge in called("edge") {
        assert!(ids.contains(edge.attribute("source").unwrap()));
        assert!(ids.contains(edge.attribute("target").unwrap()));
    }
    let keys: HashSet<_> = called("key")
        .map(|key| key.attribute("id").unwrap())
        .collect();
    assert!(called("data").all(|data| keys.contains(data.attribute("key").unwrap())));
}

/// Outside of quotes, the DOT has only what we wrote: as many statements as there should be.
fn dot_keeps_its_quotes(snapshot: &Snapshot) {
    let text = text(dot::write, snapshot);
    let mut outside = String::new();
    let (mut quoted, mut escape) = (false, false);
    for char in text.chars() {
        match (quoted, escape, char) {
            (true, true, _) => escape = false,
            (true, false, '\\') => escape = true,
            (_, _, '"') => quoted = !quoted,
            (true, ..) => assert!(char == '\t' || !char.is_control(), "{char:?}"),
            (false, ..) => outside.push(char),
        }
    }
    assert!(!quoted);
    assert_eq!(
        outside.matches("->").count(),
        snapshot.graph.edges().count()
    );
    assert!(outside.is_ascii());
    assert_eq!(outside.matches('{').count(), outside.matches('}').count());
}

/// Each line of the Mermaid is one statement with its own quotes closed, and nothing in them that
/// Mermaid or a browser would act on.
fn mermaid_keeps_its_lines(snapshot: &Snapshot) {
    let text = text(mermaid::write, snapshot);
    let lines: Vec<_> = text.lines().collect();
    let (nodes, edges) = (
        snapshot.graph.nodes().count(),
        snapshot.graph.edges().count(),
    );
    assert_eq!(lines.len(), 1 + nodes + edges);
    for line in &lines[1..] {
        let parts: Vec<_> = line.split('"').collect();
        assert_eq!(parts.len(), 3, "{line}");
        let label = parts[1];
        assert!(!label.is_empty() && label.chars().count() < 1500, "{label}");
        let acts = |c: char| c.is_control() || matches!(c, '<' | '>' | '&' | '`' | '{' | '\\');
        assert!(!label.contains(acts), "{label}");
    }
}

fn check_all(snapshot: &Snapshot) {
    csv_reads_back(snapshot);
    graphml_parses(snapshot);
    dot_keeps_its_quotes(snapshot);
    mermaid_keeps_its_lines(snapshot);
}

#[test]
fn hostile_names_stay_names() {
    check_all(&sample::most_hostile());
}

#[test]
fn nothing_is_a_graph_as_well() {
    check_all(&sample::snapshot("", "", Vec::new(), Vec::new()));
}

proptest! {
    #[test]
    fn any_names_stay_names(names in sample::names()) {
        check_all(&sample::hostile(&names));
    }
}
