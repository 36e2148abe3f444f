//! A graph as a file: JSON for programs, DOT for Graphviz.

pub mod dot;
pub mod ecs;
pub mod json;
pub mod processes;

use jiff::Timestamp;

use crate::{kernel::losses::Losses, topology::Graph};

/// A graph with what one must know to read it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The host's name.
    pub host: String,
    /// When watching began.
    pub started: Timestamp,
    /// When the graph was taken.
    pub ended: Timestamp,
    /// Who talked to whom.
    pub graph: Graph,
    /// Whether send and receive calls are counted on this kernel.
    pub counts_calls: bool,
    /// What was seen and not kept.
    pub losses: Losses,
}
