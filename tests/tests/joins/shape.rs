//! Edges that are folded, and edges that are old.

use std::time::Duration;
use std::time::Instant;

use probe_tests::{Engine, Network, Probe, probe::Graph, wait};
use serde_json::Value;

use crate::{PORT, SOON, check, connect, serve, talk, workload};

#[test]
fn grouped_by_image_and_host_every_byte_is_there() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = serve(workload(&engine, "server").on(&network));
    let levels = ["process", "image", "host"];
    let probes = levels.map(|level| Probe::graph(&engine, &["--by", level]).unwrap());
    let to = format!("{}:{PORT}", server.ip(&network).unwrap());
    let tally = talk(workload(&engine, "client").on(&network), &to, 40);
    let [process, image, host] = probes.map(|probe| probe.finish().unwrap());

    let (from, to) = ("client/workload", "server/workload");
    check(&process, from, to, PORT, &tally, "sequence");
    assert_eq!(process.node(from).unwrap()["kind"], "process");
    assert_eq!(process.node(from).unwrap()["image"], "workload");
    let mut nodes = image.json["nodes"].as_array().unwrap().iter();
    let node = nodes.find(|node| node["id"] == "image:workload").unwrap();
    assert_eq!(node["members"], 2);
    check(&image, "workload", "workload", PORT, &tally, "sequence");
    let name = host.json["host"].as_str().unwrap();
    let own = host.edge(name, name, PORT).unwrap();
    assert!(own["bytes_received"].as_u64().unwrap() >= tally.bytes_received);
}

#[test]
fn what_is_older_than_the_window_counts_no_more() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = serve(workload(&engine, "server").on(&network));
    let to = format!("{}:{PORT}", server.ip(&network).unwrap());
    let all = Probe::graph(&engine, &[]).unwrap();
    let window = Probe::graph(&engine, &["--window", "3s"]).unwrap();
    talk(workload(&engine, "early").on(&network), &to, 10);
    // Ten a second at most, all the while.
    let words = [
        connect(&to, 10_000),
        vec!["--pause".to_owned(), "100".to_owned()],
    ]
    .concat();
    let late = workload(&engine, "late").on(&network).command(words);
    let late = late.run().unwrap();
    // From here on: it must have been longer than the window, too.
    let begun = Instant::now();
    let passed = || Ok((begun.elapsed() > Duration::from_secs(6)).then_some(()));
    wait::until("the window has passed", SOON, passed).unwrap();
    let window = window.finish().unwrap();
    let all = all.finish().unwrap();
    late.remove().unwrap();

    let opened = |graph: &Graph, name: &str| -> Value {
        let edge = graph.edge(name, "server", PORT);
        edge.map_or(Value::Null, |edge| edge["connections_opened"].clone())
    };
    assert_eq!(opened(&all, "early"), 10);
    assert_eq!(opened(&window, "early"), Value::Null);
    let recent = opened(&window, "late").as_u64().unwrap();
    assert!((1..=40).contains(&recent), "{recent} in about 3 s");
    assert!(opened(&all, "late").as_u64().unwrap() > recent);
}
