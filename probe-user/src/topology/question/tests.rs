use super::Question;
use crate::{
    export,
    topology::{Join, sample},
    views::answers,
};

/// What is answered in words, and that its JSON names the same nodes.
fn ask(question: &Question) -> String {
    let shop = sample::shop();
    let answer = question.ask(&shop.graph).unwrap();
    let mut json = Vec::new();
    export::answer::write(&answer, &shop.graph, &mut json).unwrap();
    let json = String::from_utf8(json).unwrap();
    for id in answer.ids() {
        assert!(json.contains(id.as_str()), "{json}");
    }
    answers::text(&answer, &shop.graph)
}

#[test]
fn whom_one_reaches_nearest_first() {
    let from = |name: &str, depth| ask(&Question::From(name.to_owned(), depth));
    assert_eq!(
        from("proxy", None),
        "web (1 step)\ncache (2 steps)\ndb (2 steps)\n"
    );
    assert_eq!(from("proxy", Some(1)), "web (1 step)\n");
    assert_eq!(from("db", None), "db reaches nobody\n");
    assert_eq!(from("lone", None), "lone reaches nobody\n");
}

#[test]
fn who_reaches_one() {
    let to = |name: &str, depth| ask(&Question::To(name.to_owned(), depth));
    assert_eq!(
        to("cache", None),
        "web (1 step)\nproxy (2 steps)\n192.0.2.7 (3 steps)\n"
    );
    assert_eq!(to("192.0.2.7", None), "nobody reaches 192.0.2.7\n");
}

#[test]
fn the_shortest_way_with_ports() {
    let path = |a: &str, b: &str| ask(&Question::Path(a.to_owned(), b.to_owned()));
    assert_eq!(
        path("192.0.2.7", "db"),
        "192.0.2.7 -> proxy:80 -> web:8080 -> db:5432\n"
    );
    assert_eq!(path("db", "proxy"), "no way from db to proxy\n");
    assert_eq!(path("web", "web"), "web\n");
}

#[test]
fn circles_and_loners() {
    assert_eq!(ask(&Question::Cycles), "web -> cache:6379 -> web:8080\n");
    assert_eq!(ask(&Question::Orphans), "lone\n");
}

#[test]
fn a_circle_within_a_larger_set() {
    let nodes = ["a", "b", "c", "d"].map(sample::process);
    let edge = |from: usize, to: usize| sample::edge(&nodes[from], &nodes[to], 1, 1, Join::Tuple);
    let edges = vec![edge(0, 1), edge(1, 0), edge(1, 2), edge(2, 3), edge(3, 1)];
    let snapshot = sample::snapshot("h", "", nodes.to_vec(), edges);
    let answer = Question::Cycles.ask(&snapshot.graph).unwrap();
    assert_eq!(
        answers::text(&answer, &snapshot.graph),
        "a -> b:1 -> a:1 (of 4 that reach each other)\n"
    );
}

#[test]
fn answers_in_json() {
    let shop = sample::shop();
    let json = |question: Question| {
        let mut json = Vec::new();
        let answer = question.ask(&shop.graph).unwrap();
        export::answer::write(&answer, &shop.graph, &mut json).unwrap();
        String::from_utf8(json).unwrap()
    };
    let path = Question::Path("web".to_owned(), "db".to_owned());
    let all = [
        Question::From("web".to_owned(), Some(1)),
        path,
        Question::Cycles,
        Question::Orphans,
    ];
    insta::assert_snapshot!(all.map(json).concat());
}
