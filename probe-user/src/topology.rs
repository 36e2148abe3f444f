//! The graph of who talks to whom: flows and workloads in, snapshots out.
//!
//! [`Ledger`] remembers every flow since the start, [`join`] ties the two ends of conversations
//! together, each by the evidence it has, and [`Graph`] is the result. No I/O here.

pub mod delta;
pub mod find;
pub mod graph;
pub mod join;
pub mod ledger;
pub mod listener;
pub mod merge;
pub mod node;
pub mod question;
#[cfg(test)]
pub(crate) mod sample;
mod servers;
pub mod snapshot;
#[cfg(test)]
mod tests;

pub use delta::Delta;
pub use graph::{Edge, EdgeKey, Graph};
pub use join::Join;
pub use ledger::Ledger;
pub use listener::Listener;
pub use node::{Kind, Node, NodeId};
pub use snapshot::{Seen, Snapshot};
