//! Whose traffic, whose process: on a real engine.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::{env, fs, path::Path, process::Command, time::Duration};

use probe_tests::agent::{is_named, whole_edge};
use probe_tests::{Agent, Container, Engine, Network, Probe, burst, image, place, wait, workload};
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
    // Other engines of this machine may have given somebody's server the same address.
    let edges = graph.edges_of(&["server"]).into_iter();
    let brief = edges.filter(|(source, ..)| source.starts_with("brief-"));
    assert_eq!(brief.count(), containers);
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

/// A process in a cgroup of the container's own making, as systemd or Docker within it make them.
fn inside(container: &Container<'_>, nested: &Path, words: &[&str]) {
    fs::create_dir_all(nested).unwrap();
    let script = "echo 0 > \"$0/cgroup.procs\" && exec \"$@\"";
    let pid = container.inspect("{{.State.Pid}}").unwrap();
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(nested)
        .args(["nsenter", &format!("--net=/proc/{pid}/ns/net"), "--"])
        .arg(workload::binary().unwrap())
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_a_container_starts_is_its_own_wherever_it_is() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, to) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let start = Container::of(&engine, &image::WORKLOAD, "box").unwrap();
    let start = start.on(&network).option("--entrypoint").option("sleep");
    let container = start.command(["600"]).run().unwrap();
    let init = container.inspect("{{.State.Pid}}").unwrap();
    let directory = container.cgroup_directory().unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();

    let connect = |times: &'static str| ["connect", "--to", &to, "--connections", times];
    let exec = ["/bin/workload"].into_iter().chain(connect("3"));
    container.exec(exec).unwrap();
    // Whoever started it has ended before it connects.
    let orphan = format!(
        "until [ $(cut -d' ' -f4 /proc/$$/stat) = 1 ]; do :; done; /bin/workload {}; exec sleep 601",
        connect("5").join(" ")
    );
    engine
        .docker([
            "exec",
            "--detach",
            "box",
            "sh",
            "-c",
            "sh -c \"$0\" &",
            &orphan,
        ])
        .unwrap();
    let orphan = wait::until("the orphan has connected", SOON, || {
        let processes = ps(&[&engine]);
        let mut processes = processes.into_iter();
        Ok(processes.find(|process| process["command_line"] == "sleep 601"))
    })
    .unwrap();
    assert_eq!(orphan["container"]["name"], "box", "{orphan:#}");
    assert_eq!(orphan["parent"].to_string(), init, "{orphan:#}");
    // A service of systemd's, and another container's by its name.
    let nested = ["system.slice/web.service", &format!("docker/{:064x}", 7)];
    for (path, times) in nested.into_iter().zip(["7", "11"]) {
        inside(&container, &directory.join(path), &connect(times));
    }
    let graph = probe.finish().unwrap();
    let removed = [
        "system.slice/web.service",
        "system.slice",
        nested[1],
        "docker",
    ];
    for path in removed {
        fs::remove_dir(directory.join(path)).unwrap();
    }

    let from_box = ("box".to_owned(), "server".to_owned(), 7000);
    assert_eq!(graph.edges_of(&["box"]), [from_box], "{:#}", graph.json);
    let edge = graph.edge("box", "server", 7000).unwrap();
    assert_eq!(edge["connections_opened"], 3 + 5 + 7 + 11, "{edge:#}");
}

/// A new label of the container, as an engine of which it was given while it was away.
fn label(engine: &Engine, container: &Container<'_>, name: &str, value: &str) {
    engine.stop().unwrap();
    let socket = engine.host();
    let directory = Path::new(socket.trim_start_matches("unix://")).parent();
    let file = directory.unwrap().join("data/containers");
    let file = file.join(container.id()).join("config.v2.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    config["Config"]["Labels"][name] = value.into();
    fs::write(&file, config.to_string()).unwrap();
    engine.resume().unwrap();
}

#[test]
fn a_new_name_and_new_labels_are_followed() {
    let engine = Engine::start_with(&["--live-restore"]).unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (server, to) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let agent = Agent::start(&engine, &[]).unwrap();
    let client = Container::connecting(&engine, &network, "client", &to, 10).unwrap();
    assert_eq!(client.tally().unwrap().connections, 10);
    whole_edge(&agent.tcp, 10).unwrap();
    engine.docker(["rename", "server", "renamed"]).unwrap();
    is_named(&agent.tcp, "renamed").unwrap();

    label(&engine, &server, "com.example.tier", "front");
    let node = wait::until("its new label is told", SOON, || {
        let graph = agent.tcp.get("/api/v1/graph", &[])?.json()?;
        let mut nodes = graph["nodes"].as_array().unwrap().iter();
        let labelled = nodes.find(|node| node["labels"]["com.example.tier"] == "front");
        Ok(labelled.cloned())
    })
    .unwrap();
    assert_eq!(node["id"], format!("container:{}", server.id()));
    assert_eq!(node["name"], "renamed");
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
                .option("--user")
                .option("1234")
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
    let top = ["top", "first", "-eo", "pid,ppid,uid,args"];
    let top = engines[0].docker(top).unwrap();
    let mut listed: Vec<_> = processes
        .iter()
        .filter(|process| process["container"]["name"] == "first")
        .map(|process| {
            let numbers = ["pid", "parent", "uid"].map(|key| process[key].to_string());
            let line = process["command_line"].as_str().unwrap();
            assert_eq!(process["executable"], "/bin/busybox", "{process:#}");
            format!("{} {line}", numbers.join(" "))
        })
        .collect();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut told: Vec<_> = top.lines().skip(1).map(words).collect();
    listed.sort();
    told.sort();
    assert_eq!(listed, told);
    assert_eq!(listed.len(), 2);
}
