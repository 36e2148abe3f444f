//! Whose traffic, whose process: on a real engine.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::{env, process::Command, time::Duration};

use probe_tests::{Container, Engine, Network, Probe, burst, image, place, wait};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

/// Containers of the burst, unless `PROBE_BURST` says how many.
const BURST: usize = 60;
/// So many at a time.
const AT_ONCE: usize = 4;

#[test]
fn each_of_a_burst_of_brief_containers_has_its_name() {
    let containers = env::var("PROBE_BURST").map_or(BURST, |number| number.parse().unwrap());
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, to) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    burst::run(&engine, network.name(), &to, containers, AT_ONCE).unwrap();
    let graph = probe.finish().unwrap();
    burst::check(&graph, containers).unwrap();
    assert_eq!(graph.edges_of(&["server"]).len(), containers);
}

fn ps(engines: &[&Engine]) -> Vec<Value> {
    let mut command = Command::new(place::probe());
    command.args(["ps", "-o", "json", "--containers"]);
    for engine in engines {
        command.args(["--engine", &engine.host()]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list["schema"], "probe.ps/v1");
    list["processes"].as_array().unwrap().clone()
}

#[test]
fn processes_are_listed_with_their_containers_of_several_engines() {
    let engines = [Engine::start().unwrap(), Engine::start().unwrap()];
    let containers: Vec<_> = engines
        .iter()
        .zip(["first", "second"])
        .map(|(engine, name)| {
            Container::of(engine, &image::BUSYBOX, name)
                .unwrap()
                .command(["sh", "-c", "sleep 600 & echo ready; wait"])
                .run()
                .unwrap()
        })
        .collect();
    for container in &containers {
        container.wait_for_line("ready", SOON).unwrap();
    }
    // A shell says that it is ready when its child may still be a shell.
    let all = engines.iter().collect::<Vec<_>>();
    let processes = wait::until("both sleep", SOON, || {
        let processes = ps(&all);
        let asleep = |container: &Container<'_>| {
            processes.iter().any(|process| {
                process["container"]["name"] == container.name()
                    && process["command_line"] == "sleep 600"
            })
        };
        Ok(containers.iter().all(asleep).then_some(processes))
    })
    .unwrap();
    for container in &containers {
        let of = |line: &str| {
            let found = processes.iter().find(|process| {
                process["container"]["name"] == container.name()
                    && process["command_line"] == line
                    && process["vpid"].is_u64()
            });
            found.unwrap_or_else(|| panic!("no {line} in {}: {processes:#?}", container.name()))
        };
        let sleep = of("sleep 600");
        let init = processes
            .iter()
            .find(|process| process["pid"] == sleep["parent"])
            .unwrap();
        assert_eq!(init["vpid"], 1, "{init:#}");
        assert_eq!(init["container"]["id"], container.id());
        let pid = container.inspect("{{.State.Pid}}").unwrap();
        assert_eq!(init["pid"].to_string(), pid);
    }
    // As `docker top` and `ps -eo ucmd,cgroup` have it.
    let top = engines[0].docker(["top", "first", "-eo", "pid"]).unwrap();
    let listed = processes
        .iter()
        .filter(|process| process["container"]["name"] == "first")
        .count();
    assert_eq!(listed, top.lines().count() - 1, "{top}");
}
