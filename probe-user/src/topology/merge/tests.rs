use super::{MergeError, merge};
use crate::topology::{
    Gap, Join, Node, Snapshot,
    sample::{self, container, edge, external, process},
};

/// Edges as `source target port opened join`, by names, of two graphs merged in either order.
#[track_caller]
fn check(a: &Snapshot, b: &Snapshot, expected: &[&str]) {
    for snapshots in [[a.clone(), b.clone()], [b.clone(), a.clone()]] {
        let merged = merge(&snapshots).unwrap();
        let mut lines: Vec<_> = merged
            .graph
            .edges()
            .map(|(source, target, edge)| {
                let (port, opened) = (&edge.listener, edge.counts.opened);
                let join = edge.join().as_str();
                format!("{} {} {port} {opened} {join}", source.name, target.name)
            })
            .collect();
        lines.sort();
        assert_eq!(lines, expected);
    }
}

const A: &str = "10.0.0.1";
const B: &str = "10.0.0.2";

fn host(name: &str, address: &str, nodes: &[&Node], edges: Vec<sample::PlainEdge>) -> Snapshot {
    let nodes = nodes.iter().map(|node| (*node).clone()).collect();
    sample::snapshot(name, address, nodes, edges)
}

#[test]
fn halves_by_the_containers_own_addresses_are_one_edge() {
    let client = container('a', "client", &[], "10.1.0.5");
    let server = container('b', "server", &[], "10.2.0.6");
    let (to, from) = (external("10.2.0.6"), external("10.1.0.5"));
    let a = host(
        "a",
        A,
        &[&client, &to],
        vec![edge(&client, &to, 80, 5, Join::OneSided)],
    );
    let b = host(
        "b",
        B,
        &[&server, &from],
        vec![edge(&from, &server, 80, 4, Join::OneSided)],
    );
    check(&a, &b, &["client server 80 5 tuple"]);
}

#[test]
fn one_half_is_enough_where_a_container_holds_the_address() {
    let client = container('a', "client", &[], "10.1.0.5");
    let server = container('b', "server", &[], "10.2.0.6");
    let (to, from) = (external("10.2.0.6"), external("10.1.0.5"));
    let refused = edge(&client, &to, 81, 0, Join::OneSided);
    let a = host("a", A, &[&client, &to], vec![refused]);
    let b = host(
        "b",
        B,
        &[&server, &from],
        vec![edge(&from, &server, 80, 4, Join::OneSided)],
    );
    check(
        &a,
        &b,
        &["client server 80 4 tuple", "client server 81 0 tuple"],
    );
}

#[test]
fn masqueraded_and_published_on_the_same_port() {
    let clients =
        ['a', 'c'].map(|c| container(c, &format!("client-{c}"), &["bridge"], "172.17.0.2"));
    let server = container('b', "server", &["bridge"], "172.17.0.2");
    let (to, from) = (external(B), external(A));
    let ask = |client: &Node, opened| edge(client, &to, 80, opened, Join::OneSided);
    let a = host(
        "a",
        A,
        &[&clients[0], &clients[1], &to],
        vec![ask(&clients[0], 3), ask(&clients[1], 4)],
    );
    let b = host(
        "b",
        B,
        &[&server, &from],
        vec![edge(&from, &server, 80, 7, Join::OneSided)],
    );
    check(
        &a,
        &b,
        &["client-a server 80 3 tuple", "client-c server 80 4 tuple"],
    );
}

#[test]
fn a_port_that_changed_on_the_way_proves_nothing() {
    let client = container('a', "client", &["bridge"], "172.17.0.2");
    let server = container('b', "server", &["bridge"], "172.17.0.2");
    let (to, from) = (external(B), external(A));
    let a = host(
        "a",
        A,
        &[&client, &to],
        vec![edge(&client, &to, 8080, 3, Join::OneSided)],
    );
    let b = host(
        "b",
        B,
        &[&server, &from],
        vec![edge(&from, &server, 80, 3, Join::OneSided)],
    );
    check(
        &a,
        &b,
        &["a server 80 3 one-sided", "client b 8080 3 one-sided"],
    );
}

#[test]
fn two_servers_that_may_have_answered_leave_it_open() {
    let client = container('a', "client", &["bridge"], "172.17.0.2");
    let servers =
        ['b', 'c'].map(|c| container(c, &format!("server-{c}"), &["bridge"], "172.17.0.3"));
    let (to, from) = (external(B), external(A));
    let a = host(
        "a",
        A,
        &[&client, &to],
        vec![edge(&client, &to, 80, 3, Join::OneSided)],
    );
    let got = |server: &Node, opened| edge(&from, server, 80, opened, Join::OneSided);
    let b = host(
        "b",
        B,
        &[&servers[0], &servers[1], &from],
        vec![got(&servers[0], 1), got(&servers[1], 2)],
    );
    check(
        &a,
        &b,
        &[
            "a server-b 80 1 one-sided",
            "a server-c 80 2 one-sided",
            "client b 80 3 one-sided",
        ],
    );
}

#[test]
fn an_address_that_both_claim_is_nobodys() {
    let client = container('a', "client", &["bridge"], "172.17.0.2");
    let server = container('b', "server", &["bridge"], "172.17.0.3");
    let twin = container('c', "twin", &["bridge"], "172.17.0.3");
    let to = external("172.17.0.3");
    // The twin's address is that of B's server: the external node may be anybody.
    let a = host(
        "a",
        A,
        &[&client, &twin, &to],
        vec![edge(&client, &to, 80, 3, Join::OneSided)],
    );
    let b = host("b", B, &[&server], Vec::new());
    check(&a, &b, &["client 172.17.0.3 80 3 one-sided"]);
}

#[test]
fn processes_of_one_name_stay_two_and_outsiders_become_one() {
    let (curl, out) = (process("curl"), external("192.0.2.9"));
    let a = host(
        "a",
        A,
        &[&curl, &out],
        vec![edge(&curl, &out, 443, 1, Join::OneSided)],
    );
    let b = host(
        "b",
        B,
        &[&curl, &out],
        vec![edge(&curl, &out, 443, 2, Join::OneSided)],
    );
    let merged = merge(&[a, b]).unwrap();
    let ids: Vec<_> = merged.graph.nodes().map(|node| node.id.as_str()).collect();
    assert_eq!(
        ids,
        ["external:192.0.2.9", "process:a/curl", "process:b/curl"]
    );
    assert_eq!(merged.host(), "a, b");
}

#[test]
fn a_merged_graph_can_be_merged_further() {
    let client = container('a', "client", &[], "10.1.0.5");
    let server = container('b', "server", &[], "10.2.0.6");
    let (to, from) = (external("10.2.0.6"), external("10.1.0.5"));
    let a = host(
        "a",
        A,
        &[&client, &to],
        vec![edge(&client, &to, 80, 5, Join::OneSided)],
    );
    let b = host(
        "b",
        B,
        &[&server, &from],
        vec![edge(&from, &server, 80, 4, Join::OneSided)],
    );
    let curl = process("curl");
    let c = host(
        "c",
        "10.0.0.3",
        &[&curl, &to],
        vec![edge(&curl, &to, 80, 1, Join::OneSided)],
    );
    // Claims are kept: what a and c could not know before b came is known then.
    check(
        &merge(&[a.clone(), c.clone()]).unwrap(),
        &b,
        &["client server 80 5 tuple", "curl server 80 1 tuple"],
    );
    check(
        &merge(&[a, b]).unwrap(),
        &c,
        &["client server 80 5 tuple", "curl server 80 1 tuple"],
    );
}

/// What the edges lack, in their order, of a client's host and a server's, with what their own edges
/// lack.
fn lack(client: (&Snapshot, &[Gap]), server: (&Snapshot, &[Gap])) -> Vec<String> {
    let with = |(snapshot, gaps): (&Snapshot, &[Gap])| {
        sample::with_gaps(snapshot.clone(), gaps.iter().copied().collect())
    };
    let merged = merge(&[with(client), with(server)]).unwrap();
    let edges = merged.graph.edges();
    edges.map(|(.., edge)| edge.gaps.to_string()).collect()
}

#[test]
fn an_edge_lacks_what_either_ends_name_lacks_and_its_own_figures() {
    let client = container('a', "client", &[], "10.1.0.5");
    let server = container('b', "server", &[], "10.2.0.6");
    let (to, from) = (external("10.2.0.6"), external("10.1.0.5"));
    let ask = |opened| {
        let edge = edge(&client, &to, 80, opened, Join::OneSided);
        host("a", A, &[&client, &to], vec![edge])
    };
    let got = edge(&from, &server, 80, 4, Join::OneSided);
    let b = host("b", B, &[&server, &from], vec![got]);
    // The figures are the client's: that the server's host counts no calls is nothing to it.
    let lacking = lack(
        (&ask(5), &[Gap::Ecs]),
        (&b, &[Gap::Identity, Gap::Engine, Gap::Calls]),
    );
    assert_eq!(lacking, ["identity engine ecs"]);
    assert_eq!(lack((&ask(5), &[Gap::Calls]), (&b, &[])), ["calls"]);
    // Both hosts are watched, and each has seen one end alone.
    let c = host("b", B, &[&server], Vec::new());
    assert_eq!(lack((&ask(5), &[]), (&c, &[])), ["target-unseen"]);
    let d = host("a", A, &[&client], Vec::new());
    assert_eq!(lack((&d, &[]), (&b, &[Gap::Ecs])), ["source-unseen ecs"]);
    // Nobody accepts what is refused.
    let mut refused = edge(&client, &to, 81, 0, Join::OneSided);
    refused.1.failed = 1;
    let refused = host("a", A, &[&client, &to], vec![refused]);
    assert_eq!(lack((&refused, &[]), (&c, &[])), [""]);
}

#[test]
fn one_host_twice_is_refused() {
    let a = host("a", A, &[], Vec::new());
    let twice = merge(&[a.clone(), a.clone()]).unwrap_err();
    assert_eq!(twice, MergeError::HostTwice("a".to_owned()));
    assert_eq!(merge(&[]).unwrap_err(), MergeError::Nothing);
    assert!(merge(&[a]).is_ok());
}
