//! Answers as JSON, schema `probe.answer/v1`.

use std::io;

use serde::Serialize;

use crate::topology::{
    Graph, NodeId,
    question::{Answer, name_of},
};

/// The name and version of the format.
pub const SCHEMA: &str = "probe.answer/v1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    answer: Wire<'a>,
}

#[derive(Serialize)]
#[serde(tag = "question", rename_all = "lowercase")]
enum Wire<'a> {
    From {
        node: Node<'a>,
        nodes: Vec<Node<'a>>,
    },
    To {
        node: Node<'a>,
        nodes: Vec<Node<'a>>,
    },
    Path {
        from: Node<'a>,
        to: Node<'a>,
        /// Null when there is none.
        path: Option<Vec<Node<'a>>>,
    },
    Cycles {
        cycles: Vec<Cycle<'a>>,
    },
    Orphans {
        nodes: Vec<Node<'a>>,
    },
}

#[derive(Serialize)]
struct Node<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<u32>,
}

#[derive(Serialize)]
struct Cycle<'a> {
    members: Vec<Node<'a>>,
    circle: Vec<Node<'a>>,
}

/// Writes one JSON document and a line feed.
pub fn write(answer: &Answer, graph: &Graph, out: &mut impl io::Write) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        answer: wire(answer, graph),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn wire<'a>(answer: &'a Answer, graph: &'a Graph) -> Wire<'a> {
    let node = |id: &'a NodeId, steps| Node {
        id: id.as_str(),
        name: name_of(graph, id),
        steps,
    };
    let list = |ids: &'a [NodeId]| ids.iter().map(|id| node(id, None)).collect::<Vec<_>>();
    match answer {
        Answer::Reach {
            node: of,
            towards,
            others,
        } => {
            let nodes = others
                .iter()
                .map(|(id, steps)| node(id, Some(*steps)))
                .collect();
            let of = node(of, None);
            if *towards {
                Wire::To { node: of, nodes }
            } else {
                Wire::From { node: of, nodes }
            }
        }
        Answer::Path { from, to, way } => Wire::Path {
            from: node(from, None),
            to: node(to, None),
            path: way.as_deref().map(list),
        },
        Answer::Cycles(cycles) => Wire::Cycles {
            cycles: cycles
                .iter()
                .map(|cycle| Cycle {
                    members: list(&cycle.members),
                    circle: list(&cycle.circle),
                })
                .collect(),
        },
        Answer::Orphans(ids) => Wire::Orphans { nodes: list(ids) },
    }
}
