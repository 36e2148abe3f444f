//! Every way that two ends find each other, on a real engine: who they are, on which port, by which
//! evidence, and how much, to the byte.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

use std::{
    net::IpAddr,
    process::Command,
    time::{Duration, Instant},
};

use probe_tests::{
    Container, Engine, Network, Probe, container::Start, image, probe::Graph, tally::Tally, wait,
    workload,
};
use serde_json::Value;

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

/// Rules as kube-proxy writes them: the service's address becomes one of the backends', each with
/// the same chance, and who asked becomes the bridge.
#[expect(clippy::cast_precision_loss, reason = "there are five at most")]
fn service(engine: &Engine, address: &str, backends: &[IpAddr]) {
    let iptables = |rule: &str| run(engine.beside("iptables").args(rule.split(' ')));
    for (index, backend) in backends.iter().enumerate() {
        let left = backends.len() - index;
        let chance = if left > 1 {
            format!(
                " -m statistic --mode random --probability {:.5}",
                1.0 / left as f64
            )
        } else {
            String::new()
        };
        let asked = format!("-t nat -A PREROUTING -p tcp -d {address} --dport 80");
        iptables(&format!(
            "{asked}{chance} -j DNAT --to-destination {backend}:{PORT}"
        ));
        let passed = format!("-t nat -A POSTROUTING -p tcp -d {backend} --dport {PORT}");
        iptables(&format!("{passed} -j MASQUERADE"));
    }
}

fn each_backend_has_its_own_share(count: usize) {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let name = |index: usize| format!("backend-{index}");
    let backends: Vec<_> = (0..count)
        .map(|index| serve(workload(&engine, &name(index)).on(&network)))
        .collect();
    let addresses: Vec<IpAddr> = backends
        .iter()
        .map(|backend| backend.ip(&network).unwrap().into())
        .collect();
    service(&engine, "10.96.0.10", &addresses);
    let probe = Probe::graph(&engine, &[]).unwrap();
    let client = talk(
        workload(&engine, "client").on(&network),
        "10.96.0.10:80",
        1000,
    );
    let mut shares = Vec::new();
    for backend in &backends {
        backend.stop().unwrap();
        shares.push(backend.tally().unwrap());
    }
    let graph = probe.finish().unwrap();

    let expected: Vec<_> = (0..count).map(|i| edge("client", &name(i), PORT)).collect();
    assert_eq!(graph.edges_of(&["client"]), expected);
    let mut total = Tally::default();
    for (index, share) in shares.iter().enumerate() {
        assert!(share.connections > 0, "the rules spread them: {shares:?}");
        total.add(share);
        // What the backend received the client sent.
        let seen_by_client = Tally {
            bytes_sent: share.bytes_received,
            bytes_received: share.bytes_sent,
            ..share.clone()
        };
        check(
            &graph,
            "client",
            &name(index),
            PORT,
            &seen_by_client,
            "sequence",
        );
    }
    assert_eq!(total.connections, client.connections);
    assert_eq!(total.bytes_received, client.bytes_sent);
    assert_eq!(total.bytes_sent, client.bytes_received);
}

#[test]
fn of_two_backends_behind_a_masqueraded_service_each_has_its_share() {
    each_backend_has_its_own_share(2);
}

#[test]
fn of_five_backends_behind_a_masqueraded_service_each_has_its_share() {
    each_backend_has_its_own_share(5);
}

#[test]
fn host_networking_on_either_side() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let host = |name: &str| workload(&engine, name).option("--network").option("host");
    let inside = serve(workload(&engine, "inside").on(&network));
    let outside = host("outside").command(["serve", "--port", "7001"]).run();
    let outside = outside.unwrap();
    outside.wait_for_line("listening", SOON).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    let to_inside = format!("{}:{PORT}", inside.ip(&network).unwrap());
    let in_host = talk(host("in-host"), &to_inside, 30);
    let to_outside = format!("{}:7001", engine.address());
    let on_bridge = talk(workload(&engine, "on-bridge").on(&network), &to_outside, 20);
    let both = talk(host("both"), "127.0.0.1:7001", 10);
    let graph = probe.finish().unwrap();

    assert_eq!(
        graph.edges_of(&["inside", "outside", "in-host", "on-bridge", "both"]),
        [
            edge("both", "outside", 7001),
            edge("in-host", "inside", PORT),
            edge("on-bridge", "outside", 7001),
        ]
    );
    check(&graph, "in-host", "inside", PORT, &in_host, "sequence");
    check(&graph, "on-bridge", "outside", 7001, &on_bridge, "sequence");
    check(&graph, "both", "outside", 7001, &both, "sequence");
}

#[test]
fn containers_that_share_a_network_namespace_talk_over_loopback() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = serve(workload(&engine, "server").on(&network));
    let other = serve(workload(&engine, "other").on(&network));
    let beside = |name: &str| {
        let start = workload(&engine, name).option("--network");
        start.option("container:server")
    };
    let probe = Probe::graph(&engine, &[]).unwrap();
    let near = talk(beside("near"), &format!("127.0.0.1:{PORT}"), 25);
    let to_other = format!("{}:{PORT}", other.ip(&network).unwrap());
    let far = talk(beside("far"), &to_other, 15);
    let own = talk_in(&server, &format!("127.0.0.1:{PORT}"), 5);
    let graph = probe.finish().unwrap();

    // Who shares the address of another is no less himself.
    assert_eq!(
        graph.edges_of(&["server", "other", "near", "far"]),
        [
            edge("far", "other", PORT),
            edge("near", "server", PORT),
            edge("server", "server", PORT),
        ]
    );
    check(&graph, "near", "server", PORT, &near, "sequence");
    check(&graph, "far", "other", PORT, &far, "sequence");
    check(&graph, "server", "server", PORT, &own, "sequence");
}

#[test]
fn on_macvlan_there_is_no_bridge_to_see() {
    let engine = Engine::start().unwrap();
    let options = "--driver macvlan --opt parent=host0 --subnet 10.214.0.0/24";
    let options: Vec<_> = options.split(' ').collect();
    let network = match Network::create_with(&engine, "lan", &options) {
        Ok(network) => network,
        Err(error) => {
            println!("skipped: no macvlan here ({error:#})");
            return;
        }
    };
    let server = serve(workload(&engine, "server").on(&network));
    let probe = Probe::graph(&engine, &[]).unwrap();
    let to = format!("{}:{PORT}", server.ip(&network).unwrap());
    let tally = talk(workload(&engine, "client").on(&network), &to, 40);
    let graph = probe.finish().unwrap();

    assert_eq!(
        graph.edges_of(&["server", "client"]),
        [edge("client", "server", PORT)]
    );
    check(&graph, "client", "server", PORT, &tally, "sequence");
}

#[test]
fn a_container_reaches_itself_by_its_published_port() {
    // A hairpin: DNAT on the way in, masqueraded on the way out of the bridge it came from.
    let engine = Engine::start_with(&["--userland-proxy=false"]).unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = serve(workload(&engine, "server").on(&network).publish(PORT));
    let published = server.published(PORT).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    let tally = talk_in(&server, &format!("{}:{published}", engine.address()), 30);
    let graph = probe.finish().unwrap();

    assert_eq!(
        graph.edges_of(&["server"]),
        [edge("server", "server", PORT)]
    );
    check(&graph, "server", "server", PORT, &tally, "sequence");
}

/// A program of the host asks for a published port at `address`; what the probe makes of it, and
/// what the program did.
fn from_the_host(options: &[&str], args: &[&str], address: &str) -> (Graph, Tally, u16) {
    let engine = Engine::start_with(options).unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = serve(workload(&engine, "server").on(&network).publish(PORT));
    let published = server.published(PORT).unwrap();
    let probe = Probe::graph(&engine, args).unwrap();
    let address = address.replace("HOST", &engine.address().to_string());
    let mut client = engine.beside(workload::binary().unwrap());
    let printed = run(client.args(connect(&format!("{address}:{published}"), 30)));
    let tally = whole(Tally::find(&printed).unwrap(), 30);
    (probe.finish().unwrap(), tally, published)
}

#[test]
fn from_the_host_a_published_port_is_joined_through_nat() {
    let (graph, tally, _) = from_the_host(&["--userland-proxy=false"], &[], "HOST");
    assert_eq!(
        graph.edges_of(&["server"]),
        [edge("workload", "server", PORT)]
    );
    check(&graph, "workload", "server", PORT, &tally, "sequence");
    assert_eq!(graph.node("workload").unwrap()["kind"], "process");
}

#[test]
fn from_the_host_docker_proxy_is_folded_on_loopback() {
    let (graph, tally, _) = from_the_host(&[], &[], "127.0.0.1");
    assert_eq!(
        graph.edges_of(&["server", "docker-proxy"]),
        [edge("workload", "server", PORT)]
    );
    check(&graph, "workload", "server", PORT, &tally, "proxy");
}

#[test]
fn two_ports_published_by_docker_proxy_are_two_servers() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let servers = ["first", "second"].map(|name| {
        let server = serve(workload(&engine, name).on(&network).publish(PORT));
        (name, server.published(PORT).unwrap(), server)
    });
    let probe = Probe::graph(&engine, &[]).unwrap();
    let tallies = servers.each_ref().map(|(name, published, _)| {
        let to = format!("{}:{published}", engine.address());
        let client = workload(&engine, &format!("to-{name}")).on(&network);
        (*name, talk(client, &to, 20 + u32::from(*name == "first")))
    });
    let graph = probe.finish().unwrap();

    assert_eq!(
        graph.edges_of(&["first", "second", "docker-proxy"]),
        [
            edge("to-first", "first", PORT),
            edge("to-second", "second", PORT)
        ]
    );
    for (name, tally) in &tallies {
        check(&graph, &format!("to-{name}"), name, PORT, tally, "proxy");
    }
}

#[test]
fn a_backend_that_refuses_is_seen_behind_the_proxy() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    // Nobody listens on the port that is published.
    let server = serve(workload(&engine, "server").on(&network).publish(7001));
    let published = server.published(7001).unwrap();
    let probe = Probe::graph(&engine, &[]).unwrap();
    let to = format!("{}:{published}", engine.address());
    let client = workload(&engine, "client").on(&network);
    let client = client.command(connect(&to, 5)).run().unwrap();
    assert_eq!(client.tally().unwrap().failures, 5);
    let graph = probe.finish().unwrap();

    let folded = graph.edge("client", "server", 7001).unwrap();
    assert_eq!(folded["connections_opened"], 5, "docker-proxy took them");
    assert_eq!(folded["join"], "proxy");
    let behind = graph.edge("docker-proxy", "server", 7001).unwrap();
    assert_eq!(behind["connections_failed"], 5);
    assert_eq!(behind["bytes_sent"], 0);
}

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
