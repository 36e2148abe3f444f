//! The graph in Graphviz' language.
//!
//! Labels are short, so that fifty nodes can be read; the whole figures are tooltips, which `dot
//! -Tsvg` keeps.

mod clusters;

use std::{fmt, io};

use super::{
    Snapshot,
    text::{escaped, id, is_xml, short},
};
use crate::{
    topology::{Edge, Kind, Node},
    views::units::{bytes, count},
};

/// Characters of a tooltip: Graphviz refuses strings of more than 16 KiB, and nobody reads them.
const TOOLTIP: usize = 1024;

/// Writes one `digraph`: a box around each host's nodes if there are several hosts, and around
/// each network's containers.
pub fn write(snapshot: &Snapshot, out: &mut impl io::Write) -> io::Result<()> {
    writeln!(out, "digraph probe {{")?;
    writeln!(out, "  label={}", Quoted(&short(&snapshot.host())))?;
    // Without newrank, Graphviz 2.43 loses edges between boxes: "triangulation failed".
    writeln!(
        out,
        "  rankdir=LR newrank=true nodesep=0.25 ranksep=1.2 fontname=\"sans-serif\""
    )?;
    writeln!(
        out,
        "  node [fontname=\"sans-serif\" fontsize=12 style=filled height=0.3]"
    )?;
    writeln!(
        out,
        "  edge [fontname=\"sans-serif\" fontsize=9 arrowsize=0.7 color=\"#00000099\"]"
    )?;
    clusters::write(snapshot, out)?;
    for (source, target, edge) in snapshot.graph.edges() {
        write_edge(out, source, target, edge)?;
    }
    writeln!(out, "}}")
}

fn write_node(out: &mut impl io::Write, indent: usize, node: &Node) -> io::Result<()> {
    let (shape, color) = look(node.kind);
    let tooltip = match &node.image {
        Some(image) => format!("{}\n{image}", node.id),
        None => node.id.to_string(),
    };
    writeln!(
        out,
        "{:indent$}{} [label={} shape={shape} fillcolor=\"{color}\" tooltip={}]",
        "",
        Quoted(&id(&node.id)),
        Quoted(&caption(node)),
        Quoted(start(&tooltip)),
    )
}

fn write_edge(
    out: &mut impl io::Write,
    source: &Node,
    target: &Node,
    edge: &Edge,
) -> io::Result<()> {
    let counts = edge.counts;
    let total = counts.bytes_sent.saturating_add(counts.bytes_received);
    let only_failed = counts.opened == 0 && counts.existing == 0 && counts.failed > 0;
    let figure = if only_failed {
        format!("{} failed", count(counts.failed))
    } else {
        bytes(total)
    };
    let gaps = if edge.gaps.is_empty() {
        String::new()
    } else {
        format!("\nmay lack: {}", edge.gaps)
    };
    let tooltip = format!(
        "{} → {} {}\n{} opened, {} closed, {} failed\n→ {} ← {}\n{}{gaps}",
        short(&source.name),
        short(&target.name),
        edge.listener,
        counts.opened,
        counts.closed,
        counts.failed,
        bytes(counts.bytes_sent),
        bytes(counts.bytes_received),
        edge.join().as_str(),
    );
    writeln!(
        out,
        "  {} -> {} [label={} penwidth={:.1} tooltip={}{}]",
        Quoted(&id(&source.id)),
        Quoted(&id(&target.id)),
        Quoted(&format!("{} {figure}", short(&edge.listener.to_string()))),
        width(total),
        Quoted(start(&tooltip)),
        if only_failed {
            " style=dashed color=firebrick"
        } else {
            ""
        },
    )
}

fn caption(node: &Node) -> String {
    let name = short(&node.name);
    match &node.image {
        Some(image) => format!("{name}\n{}", short(image)),
        None => name.into_owned(),
    }
}

fn start(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(TOOLTIP)
        .map_or(text.len(), |(at, _)| at);
    &text[..end]
}

const fn look(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Container => ("box", "lightblue"),
        Kind::Process => ("ellipse", "lightyellow"),
        Kind::Host => ("house", "lightgrey"),
        Kind::External => ("ellipse", "white"),
        Kind::Task => ("box3d", "lightcyan"),
        Kind::Service => ("component", "palegreen"),
        Kind::Image => ("note", "lavender"),
    }
}

/// Points: one for a kilobyte or less, one more for each factor of ten, seven at most.
fn width(bytes: u64) -> f64 {
    let decades = bytes.checked_ilog10().unwrap_or(0).saturating_sub(2);
    f64::from(decades.clamp(1, 7))
}

/// A quoted DOT string. A backslash would start an escape, a line feed is one, and Graphviz reads
/// HTML entities: `&` is one.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        escaped(f, self.0, |char| {
            Some(match char {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '&' => "&amp;",
                char if char.is_control() || !is_xml(char) => "\u{fffd}",
                _ => return None,
            })
        })?;
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_would_end_a_string() {
        assert_eq!(
            Quoted("a\"b\\c\nd\0é&lt;").to_string(),
            "\"a\\\"b\\\\c\\nd\u{fffd}é&amp;lt;\""
        );
    }

    #[test]
    fn a_wider_edge_for_each_factor_of_ten() {
        let widths = [0, 1_000, 10_000, 1_000_000, u64::MAX].map(width);
        assert!(widths.is_sorted());
        assert!((1.0..=7.0).contains(&widths[0]) && (1.0..=7.0).contains(&widths[4]));
    }
}
