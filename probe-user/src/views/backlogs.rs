//! Whose backlogs were full, in words.

use crate::{
    export::text::plain,
    topology::{Graph, Listener},
};

/// Listeners told one by one.
const MOST: usize = 10;

/// A sentence for each listener that has turned connections away, the busiest first.
#[must_use]
pub fn lines(graph: &Graph) -> Vec<String> {
    let mut full: Vec<_> = graph
        .nodes()
        .flat_map(|node| {
            let ports = node.overflows.iter();
            ports.map(|(port, times)| (*times, node.name(), *port))
        })
        .collect();
    // Of equal ones the graph's own order stays.
    full.sort_by_key(|(times, ..)| std::cmp::Reverse(*times));
    let shown = full.iter().take(MOST).map(|(times, name, port)| {
        let (name, port) = (plain(name), Listener::Tcp(*port));
        let times = match times {
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        format!("backlog full: {name}:{port} turned a connection away {times}")
    });
    let mut lines: Vec<_> = shown.collect();
    if full.len() > MOST {
        lines.push(format!("… and {} more full backlogs", full.len() - MOST));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{Node, sample};

    #[test]
    fn the_busiest_come_first_and_the_rest_are_counted() {
        let node = |name: &str, overflows: Vec<(u16, u64)>| Node {
            overflows: overflows.into_iter().collect(),
            ..sample::process(name)
        };
        let many = (1..=10).map(|port| (port, u64::from(port)));
        let nodes = vec![node("web", vec![(80, 12)]), node("m\nany", many.collect())];
        let graph = Graph::new(nodes, []).unwrap();
        let lines = lines(&graph);
        assert_eq!(
            lines[0],
            "backlog full: web:80 turned a connection away 12 times"
        );
        assert!(!lines[1].contains('\n'));
        assert_eq!(lines.len(), MOST + 1);
        assert_eq!(lines[MOST], "… and 1 more full backlogs");
        assert!(super::lines(&Graph::default()).is_empty());
    }
}
