//! Every way that two ends find each other, on a real engine: who they are, on which port, by which
//! evidence, and how much, to the byte.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

mod networks;
mod proxy;
mod service;
mod shape;

use std::{process::Command, time::Duration};

use probe_tests::{Container, Engine, container::Start, image, probe::Graph, tally::Tally};

const SOON: Duration = Duration::from_secs(20);
const PORT: u16 = 7000;

fn workload<'engine>(engine: &'engine Engine, name: &str) -> Start<'engine> {
    Container::of(engine, &image::WORKLOAD, name).unwrap()
}

/// Serves on [`PORT`].
fn serve(start: Start<'_>) -> Container<'_> {
    let server = start.command(["serve", "--port", "7000"]).run().unwrap();
    server.wait_for_line("listening", SOON).unwrap();
    server
}

/// The words that make so many connections to an address.
fn connect(to: &str, connections: u32) -> Vec<String> {
    let words = format!("connect --request 108 --response 1000 --connections {connections} --to");
    let words = words.split(' ').chain([to]);
    words.map(str::to_owned).collect()
}

/// Makes so many connections, all of which must succeed, and tells what it did.
fn talk(start: Start<'_>, to: &str, connections: u32) -> Tally {
    let client = start.command(connect(to, connections)).run().unwrap();
    whole(client.tally().unwrap(), connections)
}

/// The same from inside a container that runs already.
fn talk_in(container: &Container<'_>, to: &str, connections: u32) -> Tally {
    let words = [vec!["/bin/workload".to_owned()], connect(to, connections)].concat();
    let printed = container.exec(words).unwrap();
    whole(Tally::find(&printed).unwrap(), connections)
}

fn whole(tally: Tally, connections: u32) -> Tally {
    assert_eq!(tally.failures, 0, "{tally:?}");
    assert_eq!(tally.connections, u64::from(connections));
    tally
}

/// That the edge is there with these connections and bytes, as the client counted them, all of
/// them resting on `join`.
#[track_caller]
fn check(graph: &Graph, source: &str, target: &str, port: u16, tally: &Tally, join: &str) {
    let edge = graph.edge(source, target, port);
    let edge = edge.unwrap_or_else(|| panic!("no {source} -> {target}: {:#}", graph.json["edges"]));
    for (key, expected) in [
        ("connections_opened", tally.connections),
        ("connections_closed", tally.connections),
        ("connections_failed", 0),
        ("bytes_sent", tally.bytes_sent),
        ("bytes_received", tally.bytes_received),
    ] {
        assert_eq!(edge[key], expected, "{key} of {edge:#}");
    }
    assert_eq!(edge["join"], join, "{edge:#}");
    assert_eq!(edge["joins"][join], tally.connections, "{edge:#}");
}

fn edge(source: &str, target: &str, port: u16) -> (String, String, u64) {
    (source.to_owned(), target.to_owned(), port.into())
}

/// A program beside the engine; it must succeed.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}
