//! The graph of who talks to whom: flows and workloads in, snapshots out.
//!
//! [`Ledger`] remembers every flow since the start, [`join`] ties the two ends of conversations
//! together, each by the evidence it has, and [`Graph`] is the result. No I/O here.

pub mod graph;
pub mod join;
pub mod ledger;
pub mod node;
#[cfg(test)]
mod tests;

pub use graph::{Edge, EdgeKey, Graph};
pub use join::Join;
pub use ledger::Ledger;
pub use node::{Kind, Node, NodeId};
