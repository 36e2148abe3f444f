use super::*;
use crate::topology::{Join, Shape, sample};

/// A graph of one client that talks to each of `addresses`, with more to those that come later.
fn names(addresses: &[&str], externals: &str, max_externals: usize) -> Vec<String> {
    let client = sample::process("curl");
    let others: Vec<_> = addresses.iter().map(|a| sample::external(a)).collect();
    let edges = others.iter().zip(1..);
    let edges = edges.map(|(other, n)| sample::edge(&client, other, 443, n, Join::OneSided));
    let edges = edges.collect();
    let nodes = [vec![client.clone()], others.clone()].concat();
    let snapshot = sample::snapshot("here", "", nodes, edges);
    let shape = Shape {
        externals: externals.parse().unwrap(),
        max_externals,
        ..Shape::default()
    };
    let graph = shape.of(Graph::clone(&snapshot.graph), "here");
    let line = |node: &Node| {
        let scope = node.scope.map_or("-", Scope::as_str);
        format!("{} {scope} {}", node.name, node.members.unwrap_or(0))
    };
    let externals = graph.nodes().filter(|node| node.kind == Kind::External);
    externals.map(line).collect()
}

const SOME: [&str; 8] = [
    "192.0.2.1",
    "192.0.2.200",
    "192.0.3.1",
    "10.1.2.3",
    "169.254.169.254",
    "169.254.169.253",
    "2001:db8::1",
    "2001:db8::2",
];

#[test]
fn each_address_is_its_own_unless_told_otherwise() {
    assert_eq!(names(&SOME, "address", 100).len(), SOME.len());
    assert_eq!(names(&SOME, "address", 100)[0], "10.1.2.3 private 0");
    // Nobody has told a name yet.
    assert_eq!(names(&SOME, "name", 100), names(&SOME, "address", 100));
}

#[test]
fn networks_keep_the_clouds_own_apart() {
    assert_eq!(
        names(&SOME, "net/24", 100),
        [
            "10.1.2.0/24 private 1",
            "169.254.169.0/24 link-local 1",
            "169.254.169.254 metadata 0",
            "192.0.2.0/24 public 2",
            "192.0.3.0/24 public 1",
            "2001:db8::/64 public 2",
        ]
    );
    let all = names(&SOME[..3], "net/0", 100);
    assert_eq!(all, ["0.0.0.0/0 public 3"]);
    assert_eq!(names(&SOME[..1], "net/32", 100), ["192.0.2.1/32 public 1"]);
}

#[test]
fn collapsed_there_is_one_of_each_scope() {
    assert_eq!(
        names(&SOME, "collapse", 100),
        [
            "link-local link-local 1",
            "metadata metadata 1",
            "private private 1",
            "public public 5"
        ]
    );
}

#[test]
fn the_least_busy_are_one_when_there_are_too_many() {
    assert_eq!(
        names(&SOME, "address", 3),
        ["2001:db8::1 public 0", "2001:db8::2 public 0", "other - 6"]
    );
    assert_eq!(names(&SOME, "address", 1), ["other - 8"]);
    assert_eq!(names(&SOME, "address", 8).len(), 8);
}

#[test]
fn a_name_folds_all_its_addresses() {
    let mut nodes = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(sample::external);
    nodes[0].name = "api.example".to_owned();
    nodes[2].name = "api.example".to_owned();
    let grouped = nodes.each_ref().map(|node| Externals::Name.group(node));
    let ids = grouped.map(|node| node.map(|node| node.id.to_string()));
    let named = Some("external:api.example".to_owned());
    assert_eq!(ids, [named.clone(), None, named]);
}

#[test]
fn only_the_four_words_are_understood() {
    for text in ["collapse", "address", "name", "net/0", "net/24", "net/32"] {
        assert_eq!(text.parse::<Externals>().unwrap().to_string(), text);
    }
    for text in ["", "net", "net/", "net/33", "net/x", "Address", "net/-1"] {
        assert_eq!(text.parse::<Externals>(), Err(NotExternals), "{text}");
    }
}
