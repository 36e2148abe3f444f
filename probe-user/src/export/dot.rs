//! The graph in Graphviz' language.

use std::{fmt, io};

use super::Snapshot;
use crate::{
    topology::{Kind, Node},
    views::units::bytes,
};

/// Writes one `digraph`.
pub fn write(snapshot: &Snapshot, out: &mut impl io::Write) -> io::Result<()> {
    writeln!(out, "digraph probe {{")?;
    writeln!(out, "  label={}", Quoted(&snapshot.host))?;
    writeln!(out, "  rankdir=LR")?;
    writeln!(out, "  node [fontname=\"sans-serif\" style=filled]")?;
    writeln!(out, "  edge [fontname=\"sans-serif\" fontsize=10]")?;
    for node in snapshot.graph.nodes() {
        let (shape, color) = look(node.kind);
        writeln!(
            out,
            "  {} [label={} shape={shape} fillcolor=\"{color}\"]",
            Quoted(node.id.as_str()),
            Quoted(&caption(node)),
        )?;
    }
    for (source, target, edge) in snapshot.graph.edges() {
        let counts = edge.counts;
        let failed = counts.failed > 0;
        let label = format!(
            ":{}\n{} conn{}\n→ {}\n← {}",
            edge.port,
            counts.opened,
            if failed {
                format!(", {} failed", counts.failed)
            } else {
                String::new()
            },
            bytes(counts.bytes_sent),
            bytes(counts.bytes_received),
        );
        writeln!(
            out,
            "  {} -> {} [label={} penwidth={:.1}{}]",
            Quoted(source.id.as_str()),
            Quoted(target.id.as_str()),
            Quoted(&label),
            width(counts.bytes_sent + counts.bytes_received),
            if failed && counts.opened == 0 {
                " style=dashed color=firebrick"
            } else {
                ""
            },
        )?;
    }
    writeln!(out, "}}")
}

fn caption(node: &Node) -> String {
    match &node.image {
        Some(image) => format!("{}\n{image}", node.name),
        None => node.name.clone(),
    }
}

const fn look(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Container => ("box", "lightblue"),
        Kind::Process => ("ellipse", "lightyellow"),
        Kind::Host => ("house", "lightgrey"),
        Kind::External => ("ellipse", "white"),
    }
}

/// Points: one for a kilobyte or less, one more for each factor of ten, seven at most.
fn width(bytes: u64) -> f64 {
    let decades = bytes.checked_ilog10().unwrap_or(0).saturating_sub(2);
    f64::from(decades.clamp(1, 7))
}

/// A quoted DOT string. A backslash would start an escape, a line feed is one.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for char in self.0.chars() {
            match char {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                control if control.is_control() => f.write_str("\u{fffd}")?,
                plain => write!(f, "{plain}")?,
            }
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_would_end_a_string() {
        assert_eq!(
            Quoted("a\"b\\c\nd\0é").to_string(),
            "\"a\\\"b\\\\c\\nd\u{fffd}é\""
        );
    }

    #[test]
    fn a_wider_edge_for_each_factor_of_ten() {
        let widths = [0, 1_000, 10_000, 1_000_000, u64::MAX].map(width);
        assert!(widths.is_sorted());
        assert!((1.0..=7.0).contains(&widths[0]) && (1.0..=7.0).contains(&widths[4]));
    }
}
