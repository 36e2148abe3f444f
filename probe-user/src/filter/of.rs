//! The fields of what the agent knows: edges, processes and containers. An event's are with it.

mod container;
mod edge;
mod process;

pub use container::{ContainerFields, ContainerRecord};
pub use edge::EdgeRecord;
pub use process::ProcessRecord;
