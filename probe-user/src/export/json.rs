//! The graph as node-link JSON, schema `probe.graph/v1`: NetworkX and D3 read it as it is, and
//! commands read it back.
//!
//! Wire types stand between the document and the graph. What a newer version of the same schema
//! adds is ignored; what must hold between the parts of a document is checked.

pub mod account;
mod alike;
mod ecs;
pub(super) mod edge;
mod health;
mod losses;
pub(super) mod node;
pub mod read;
pub(super) mod wire;

use std::io;

use super::Snapshot;
pub use read::{ReadError, read};

/// The name and version of the format.
pub const SCHEMA: &str = "probe.graph/v1";

/// The JSON Schema of the format.
pub const JSON_SCHEMA: &str = include_str!("../../schema/probe.graph-v1.json");

/// Writes one JSON document and a line feed.
pub fn write(snapshot: &Snapshot, out: &mut impl io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &wire::Graph::from(snapshot))?;
    writeln!(out)
}

/// The same on one line, without a line feed.
pub fn write_line(snapshot: &Snapshot, out: &mut impl io::Write) -> io::Result<()> {
    Ok(serde_json::to_writer(out, &wire::Graph::from(snapshot))?)
}

#[cfg(test)]
mod tests;
