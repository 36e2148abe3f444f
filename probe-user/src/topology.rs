//! The graph of who talks to whom: flows and workloads in, snapshots out.
//!
//! [`Ledger`] remembers every flow since the start, [`join`] ties the two ends of conversations
//! together, each by the evidence it has, [`proxy`] folds what stands between, and [`Graph`] is the
//! result. A [`Shape`] groups its nodes. No I/O here, and no clock.

pub mod aliases;
pub mod backlog;
pub mod completeness;
pub mod delta;
pub mod edge;
pub mod external;
pub mod find;
pub mod gaps;
pub mod graph;
pub mod group;
pub mod join;
pub mod ledger;
pub mod lens;
pub mod listener;
pub mod merge;
pub mod node;
pub mod placement;
pub mod proxy;
pub mod question;
#[cfg(test)]
pub(crate) mod sample;
pub mod scope;
mod servers;
pub mod shape;
pub mod snapshot;
#[cfg(test)]
mod tests;
mod window;

pub use aliases::Aliases;
pub use backlog::Backlog;
pub use completeness::{Cause, Completeness};
pub use delta::Delta;
pub use edge::{Edge, EdgeKey};
pub use external::Externals;
pub use gaps::{Gap, Gaps};
pub use graph::Graph;
pub use group::Level;
pub use join::Join;
pub use ledger::Ledger;
pub use lens::Lens;
pub use listener::Listener;
pub use node::{Kind, Node, NodeId};
pub use placement::Placement;
pub use scope::Scope;
pub use shape::Shape;
pub use snapshot::{Seen, Snapshot};
