//! Containers by how they are on the network.

use probe_tests::{Engine, Network, Probe};

use crate::{PORT, SOON, check, edge, serve, talk, talk_in, workload};

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
