//! Nodes, each in the boxes it belongs to.

use std::{collections::BTreeMap, io};

use super::{Quoted, write_node};
use crate::{
    export::{Snapshot, text::short},
    topology::{Kind, Node},
};

/// A host's nodes, or what is on none.
#[derive(Default)]
struct Place<'a> {
    networks: BTreeMap<&'a str, Vec<&'a Node>>,
    /// Those in no network, and those in several: they link them.
    others: Vec<&'a Node>,
}

pub(super) fn write(snapshot: &Snapshot, out: &mut impl io::Write) -> io::Result<()> {
    let mut places: BTreeMap<Option<&str>, Place<'_>> = BTreeMap::new();
    for node in snapshot.graph.nodes() {
        let place = places.entry(node.host.as_deref()).or_default();
        match &node.networks[..] {
            [network] if node.kind == Kind::Container => {
                place.networks.entry(network).or_default().push(node);
            }
            _ => place.others.push(node),
        }
    }
    let mut boxes = 0..;
    let mut next = || format!("cluster_{}", boxes.next().unwrap_or(0));
    for (host, place) in &places {
        match host {
            None => place.write(2, &mut next, out)?,
            Some(host) => {
                writeln!(out, "  subgraph {} {{", next())?;
                writeln!(
                    out,
                    "    label={} style=rounded color=grey",
                    Quoted(&short(host))
                )?;
                place.write(4, &mut next, out)?;
                writeln!(out, "  }}")?;
            }
        }
    }
    Ok(())
}

impl Place<'_> {
    fn write(
        &self,
        indent: usize,
        next: &mut impl FnMut() -> String,
        out: &mut impl io::Write,
    ) -> io::Result<()> {
        let pad = " ".repeat(indent);
        for node in &self.others {
            write_node(out, indent, node)?;
        }
        for (network, nodes) in &self.networks {
            writeln!(out, "{pad}subgraph {} {{", next())?;
            writeln!(out, "{pad}  label={} style=dotted", Quoted(&short(network)))?;
            for node in nodes {
                write_node(out, indent + 2, node)?;
            }
            writeln!(out, "{pad}}}")?;
        }
        Ok(())
    }
}
