//! The probe beside Podman, which speaks Docker's API.

use std::process::Command;
use std::time::Duration;

use probe_tests::{Podman, Probe, image, place, tally::Tally, wait};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

#[test]
fn its_containers_have_their_names() {
    let podman = Podman::start().unwrap();
    podman.image(&image::WORKLOAD).unwrap();
    let server = ["--detach", "--name", "server", "--network", "none"];
    let serve = ["workload", "serve", "--port", "7000"];
    let id = podman
        .podman(Podman::run(&[&server[..], &serve].concat()))
        .unwrap();
    wait::until("the server listens", SOON, || {
        let printed = podman.podman(["logs", "server"])?;
        Ok(printed.contains("listening").then_some(()))
    })
    .unwrap();

    let args = ["graph", "-o", "json", "--engine", &podman.host()];
    let probe = Probe::alone(args).unwrap();
    let connect = |name: &'static str| {
        let beside = ["--rm", "--name", name, "--network", "container:server"];
        let connect = ["workload", "connect", "--to", "127.0.0.1:7000"];
        Podman::run(&[&beside[..], &connect, &["--connections", "5"]].concat())
    };
    // Neither is there any more when the graph is made.
    let tallies = [
        ("by-podman", podman.podman(connect("by-podman")).unwrap()),
        ("by-docker", podman.docker(connect("by-docker")).unwrap()),
    ];
    podman.podman(["rename", "server", "renamed"]).unwrap();
    let ps = || -> Value {
        let mut command = Command::new(place::probe());
        command.args(["ps", "--containers", "-o", "json", "--engine"]);
        let output = command.arg(podman.host()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let listed = ps();
    let rows = listed["processes"].as_array().unwrap();
    let row = rows.iter().find(|row| row["container"]["id"] == id);
    let row = row.unwrap_or_else(|| panic!("{listed:#}"));
    assert_eq!(row["container"]["name"], "renamed");
    podman
        .podman(["restart", "--time", "0", "renamed"])
        .unwrap();

    let graph = probe.finish().unwrap();
    for (name, printed) in tallies {
        let tally = Tally::find(&printed).unwrap_or_else(|| panic!("{name}: {printed}"));
        let edge = graph.edge(name, "renamed", 7000);
        let edge = edge.unwrap_or_else(|| panic!("no edge from {name}: {:#}", graph.json));
        assert_eq!(edge["connections_opened"], tally.connections);
        assert_eq!(edge["bytes_sent"], tally.bytes_sent);
        assert_eq!(edge["join"], "sequence");
        assert_eq!(
            graph.node(name).unwrap()["image"],
            "localhost/workload:latest"
        );
    }
    assert_eq!(
        graph.node("renamed").unwrap()["id"],
        format!("container:{id}")
    );
}
