use super::find;
use crate::topology::{NodeId, sample};

/// What the shop says to `name`: a node's name, or the error.
#[track_caller]
fn check(name: &str, expected: &str) {
    let shop = sample::shop();
    let found = match find(&shop.graph, name) {
        Ok(node) => node.name.clone(),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected, "{name}");
}

#[test]
fn a_name_an_id_or_its_beginning_names_a_node() {
    check("web", "web");
    check(&"b".repeat(64), "web");
    check("bbbb", "web");
    check("BBBBbbbb", "web");
    check(&format!("container:{}", "b".repeat(64)), "web");
    check("process:lone", "lone");
    check("192.0.2.7", "192.0.2.7");
}

#[test]
fn an_unknown_name_brings_those_like_it() {
    check(
        "wbe",
        "nothing in the graph is called \"wbe\"; did you mean \"web\"?",
    );
    check(
        "Prxoy",
        "nothing in the graph is called \"Prxoy\"; did you mean \"proxy\"?",
    );
    check("zzzzzzzz", "nothing in the graph is called \"zzzzzzzz\"");
    // Three digits are no id.
    check("bbb", "nothing in the graph is called \"bbb\"");
}

#[test]
fn what_may_be_several_is_asked_back() {
    let mut other = sample::container('b', "web", &[], "172.19.0.9");
    other.id = NodeId::new(&format!("container:bbbb{}", "c".repeat(60)));
    let web = sample::container('b', "web", &[], "172.19.0.3");
    let snapshot = sample::snapshot("h", "", vec![web, other], Vec::new());
    for name in ["web", "bbbb"] {
        let error = find(&snapshot.graph, name).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{name:?} may be any of container:bbbb")),
            "{error}"
        );
    }
    assert!(find(&snapshot.graph, "bbbbc").is_ok());
}
