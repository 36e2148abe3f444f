//! What `probe graph` prints, in each format.

use std::{collections::HashSet, sync::Arc};

use anyhow::anyhow;

use super::Output;
use crate::{
    export::{self, Snapshot, csv, dot, graphml, json, mermaid},
    topology::{Delta, question::Answer},
    views::{answers, changes, edges},
};

/// The graph itself. `limit` is the table's.
pub(super) fn graph(
    snapshot: &Snapshot,
    output: Output,
    limit: Option<usize>,
) -> anyhow::Result<String> {
    let mut text = Vec::new();
    match output {
        Output::Table => return Ok(edges::table(snapshot, limit)),
        Output::Json => json::write(snapshot, &mut text)?,
        Output::Dot => dot::write(snapshot, &mut text)?,
        Output::Graphml => graphml::write(snapshot, &mut text)?,
        Output::Mermaid => mermaid::write(snapshot, &mut text)?,
        Output::Csv => csv::write(snapshot, &mut text)?,
    }
    Ok(String::from_utf8(text)?)
}

/// An answer; where a format has no place for one, the part of the graph that it speaks of.
pub(super) fn answer(
    answer: &Answer,
    snapshot: &Snapshot,
    output: Output,
) -> anyhow::Result<String> {
    match output {
        Output::Table => Ok(answers::text(answer, &snapshot.graph)),
        Output::Json => {
            let mut text = Vec::new();
            export::answer::write(answer, &snapshot.graph, &mut text)?;
            Ok(String::from_utf8(text)?)
        }
        Output::Dot | Output::Graphml | Output::Mermaid | Output::Csv => {
            let ids: HashSet<_> = answer.ids().into_iter().collect();
            let part = Snapshot {
                graph: Arc::new(snapshot.graph.only(|node| ids.contains(&node.id))),
                ..snapshot.clone()
            };
            graph(&part, output, None)
        }
    }
}

/// What changed.
pub(super) fn delta(
    delta: &Delta,
    before: &Snapshot,
    after: &Snapshot,
    output: Output,
) -> anyhow::Result<String> {
    match output {
        Output::Table => Ok(changes::text(delta, &before.graph, &after.graph)),
        Output::Json => {
            let mut text = Vec::new();
            export::delta::write(delta, before, after, &mut text)?;
            Ok(String::from_utf8(text)?)
        }
        _ => Err(anyhow!(
            "--diff prints a table or JSON: use -o table or -o json"
        )),
    }
}
