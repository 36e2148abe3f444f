//! What must hold on every kernel that matters. `cargo xtask test --kernel` runs these inside others,
//! where an instruction takes some fifteen times as long: one engine, few connections.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

mod connections;
mod containers;
mod families;
mod in_flight;
mod messages;
mod processes;
mod verified;

use probe_tests::probe::Graph;
use serde_json::Value;

/// That the edge is there with these numbers.
#[track_caller]
fn check(graph: &Graph, (source, target, port): (&str, &str, u16), expected: &[(&str, u64)]) {
    let edge = graph.edge(source, target, port);
    let edge = edge.unwrap_or_else(|| panic!("no {source} -> {target}: {:#}", graph.json));
    counts(edge, expected);
}

#[track_caller]
fn counts(edge: &Value, expected: &[(&str, u64)]) {
    for (key, value) in expected {
        assert_eq!(edge[key], *value, "{key} of {edge:#}");
    }
}

#[track_caller]
fn nothing_lost(graph: &Graph) {
    assert_eq!(graph.lost(), []);
}
