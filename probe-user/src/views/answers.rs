//! Answers, in words.

use std::borrow::Cow;

use crate::{
    export::text::plain,
    topology::{
        Graph, NodeId,
        question::{Answer, name_of},
    },
};

/// One fact a line.
#[must_use]
pub fn text(answer: &Answer, graph: &Graph) -> String {
    let lines = match answer {
        Answer::Reach {
            node,
            towards,
            others,
        } => reach(graph, node, *towards, others),
        Answer::Path { from, to, way } => vec![match way {
            Some(way) => chain(graph, way),
            None => format!("no way from {} to {}", name(graph, from), name(graph, to)),
        }],
        Answer::Cycles(cycles) if cycles.is_empty() => vec!["no cycles".to_owned()],
        Answer::Cycles(cycles) => cycles
            .iter()
            .map(|cycle| {
                let mut circle = cycle.circle.clone();
                circle.extend(cycle.circle.first().cloned());
                let all = cycle.members.len();
                let rest = if all > cycle.circle.len() {
                    format!(" (of {all} that reach each other)")
                } else {
                    String::new()
                };
                chain(graph, &circle) + &rest
            })
            .collect(),
        Answer::Orphans(ids) if ids.is_empty() => vec!["no orphans".to_owned()],
        Answer::Orphans(ids) => ids.iter().map(|id| name(graph, id).into_owned()).collect(),
    };
    lines.join("\n") + "\n"
}

fn reach(graph: &Graph, node: &NodeId, towards: bool, others: &[(NodeId, u32)]) -> Vec<String> {
    let node = name(graph, node);
    if others.is_empty() {
        return vec![if towards {
            format!("nobody reaches {node}")
        } else {
            format!("{node} reaches nobody")
        }];
    }
    let line = |(id, steps): &(NodeId, u32)| {
        let plural = if *steps == 1 { "" } else { "s" };
        format!("{} ({steps} step{plural})", name(graph, id))
    };
    others.iter().map(line).collect()
}

/// `client -> web:80 -> db:5432`; of several ports the lowest.
fn chain(graph: &Graph, way: &[NodeId]) -> String {
    let mut text = way
        .first()
        .map_or_else(String::new, |id| name(graph, id).into_owned());
    for pair in way.windows(2) {
        let ends = graph.index(&pair[0]).zip(graph.index(&pair[1]));
        let listener = ends.and_then(|(source, target)| {
            let edges = graph.as_petgraph().edges_connecting(source, target);
            edges.map(|edge| &edge.weight().listener).min()
        });
        text.push_str(" -> ");
        text.push_str(&name(graph, &pair[1]));
        if let Some(listener) = listener {
            text.push(':');
            text.push_str(&plain(&listener.to_string()));
        }
    }
    text
}

/// Its name; its id where that says more than a name that others have as well.
fn name<'a>(graph: &'a Graph, id: &'a NodeId) -> Cow<'a, str> {
    let name = name_of(graph, id);
    let called = graph
        .nodes()
        .filter(|node| node.name == name)
        .take(2)
        .count();
    plain(if called > 1 { id.as_str() } else { name })
}
