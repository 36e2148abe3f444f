//! Several backends behind one address.

use std::net::IpAddr;

use probe_tests::{Engine, Network, Probe, tally::Tally};

use crate::{PORT, check, edge, run, serve, talk, workload};

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
