//! A filter for a service, asked of everything that has a container.

use std::process::Command;
use std::time::Duration;

use probe_tests::{Container, Engine, Fleet, Moto, Network, Probe, image, objects, place};

use crate::graph::{env, run};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_service_is_asked_for_in_every_command() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let moto = Moto::start().unwrap();
    let fleet = Fleet::at(moto.address()).unwrap();
    fleet.cluster("prod").unwrap();
    let deployment = fleet.service("prod", "web").unwrap();
    let tasks = fleet.tasks("prod", 1, Some("service:web"), Some(&deployment));
    let task = &tasks.unwrap()[0];
    let serve = ["serve", "--port", "7000"];
    let server = run(&engine, &network, "web", task, &serve);
    server.wait_for_line("listening", SOON).unwrap();
    let to = format!("{}:7000", server.ip(&network).unwrap());
    let ask = format!("while :; do /bin/workload connect --to {to}; sleep 0.1; done");
    let other = Container::of(&engine, &image::WORKLOAD, "other").unwrap();
    let other = other.on(&network).option("--entrypoint=sh");
    let _other = other.command(["-c", &ask]).run().unwrap();
    let endpoint = moto.endpoint();
    let env = env(&endpoint);
    // Of `other` only what it has to do with the service passes.
    let commands: [(&[&str], &str); 5] = [
        (&["top", "containers"], "name"),
        (&["top", "connections"], "server"),
        (&["top", "processes"], "container"),
        (&["traffic"], "container"),
        (&["events"], "container"),
    ];
    let filter = ["-o", "json", "--filter", "ecs.service = web"];
    let probes = commands.map(|(words, key)| {
        let probe = Probe::start_with(&engine, words.iter().chain(&filter), &env).unwrap();
        (probe, words, key)
    });
    for (probe, words, key) in probes {
        let what = words.join(" ");
        let some = |printed: &str| printed.lines().count() > 1;
        probe.wait_for_stdout(&what, SOON, some).unwrap();
        for line in objects(&probe.interrupt().unwrap().stdout).unwrap() {
            let name = line[key].as_str().or(line[key]["name"].as_str());
            assert_eq!(name, Some("web"), "{what}: {line:#}");
        }
    }
    let ps = ["ps", "-o", "json", "--filter", "ecs.service = web"];
    let mut command = Command::new(place::probe());
    let command = command.args(ps).env("DOCKER_HOST", engine.host()).envs(env);
    let listed = command.output().unwrap().stdout;
    let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
    let listed = listed["processes"].as_array().unwrap().iter();
    let listed: Vec<_> = listed
        .map(|process| &process["container"]["name"])
        .collect();
    assert_eq!(listed, ["web"]);
}
