//! The fields of what the agent knows: edges, processes, containers and files. An event's are with it.

mod container;
mod edge;
mod ended;
mod file;
mod place;
mod process;

pub use container::{ContainerFields, ContainerRecord};
pub use edge::EdgeRecord;
pub use ended::EndedRecord;
pub use file::FileRecord;
pub use place::PlaceRecord;
pub use process::ProcessRecord;
