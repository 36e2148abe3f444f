//! The graph in Mermaid's language, as GitHub and many wikis draw it.
//!
//! Mermaid itself stops at 500 edges and 50,000 characters unless it is told otherwise.

use std::{collections::HashMap, fmt, io};

use super::{
    Snapshot,
    text::{escaped, short},
};
use crate::{
    topology::{Kind, Node, NodeId},
    views::units::{bytes, count},
};

/// Writes one `flowchart LR`.
pub fn write(snapshot: &Snapshot, out: &mut impl io::Write) -> io::Result<()> {
    writeln!(out, "flowchart LR")?;
    // Ids of its own: Mermaid has no way to quote one, and words such as `end` break it.
    let places: HashMap<&NodeId, usize> = snapshot
        .graph
        .nodes()
        .enumerate()
        .map(|(index, node)| (&node.id, index))
        .collect();
    for (index, node) in snapshot.graph.nodes().enumerate() {
        let (open, close) = shape(node.kind);
        writeln!(
            out,
            "  n{index}{open}\"{}\"{close}",
            Escaped(&caption(node))
        )?;
    }
    for (source, target, edge) in snapshot.graph.edges() {
        let total = edge
            .counts
            .bytes_sent
            .saturating_add(edge.counts.bytes_received);
        let only_failed =
            edge.counts.opened == 0 && edge.counts.existing == 0 && edge.counts.failed > 0;
        let (arrow, label) = if only_failed {
            let failed = count(edge.counts.failed);
            ("-.->", format!("{} {failed} failed", edge.listener))
        } else {
            ("-->", format!("{} {}", edge.listener, bytes(total)))
        };
        writeln!(
            out,
            "  n{} {arrow}|\"{}\"| n{}",
            places[&source.id],
            Escaped(&short(&label)),
            places[&target.id],
        )?;
    }
    Ok(())
}

fn caption(node: &Node) -> String {
    let name = short(&node.name);
    let name = if name.is_empty() {
        node.kind.as_str().into()
    } else {
        name
    };
    match &node.host {
        Some(host) if node.kind != Kind::Host => format!("{name} on {}", short(host)),
        _ => name.into_owned(),
    }
}

const fn shape(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Container | Kind::Image => ("[", "]"),
        Kind::Process => ("(", ")"),
        Kind::Host => ("[[", "]]"),
        Kind::External => ("([", "])"),
        Kind::Task | Kind::Service => ("{{", "}}"),
    }
}

/// Within double quotes: `#` begins an entity, quotes end the text, HTML and Markdown are drawn.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(f, self.0, |char| {
            Some(match char {
                '"' => "#quot;",
                '#' => "#35;",
                '&' => "#amp;",
                '<' => "#lt;",
                '>' => "#gt;",
                '`' => "#96;",
                '*' => "#42;",
                '\\' => "#92;",
                // Mermaid reads `%%{` as a directive wherever it stands.
                '%' => "#37;",
                '{' => "#123;",
                '}' => "#125;",
                ';' => "#59;",
                _ => return None,
            })
        })
    }
}
