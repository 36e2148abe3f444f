//! Whose cgroup is this, and whose address?
//!
//! Three sources, each optional and none waited for: the cgroup's path names a container by id
//! and runtime ([`layout`]), the container engine adds name, image, labels and addresses
//! ([`engine`]), and traffic seen from a cgroup tells its address. [`Directory`] holds what they
//! said and answers from memory. Where labels name an ECS task, [`ecs`] adds its service; addresses elsewhere
//! are called as somebody here has just looked them up ([`names`]). Nothing
//! here knows of sockets, BPF or graphs.

mod backoff;
mod by_pid;
pub mod cgroup;
pub mod container;
pub mod directory;
pub mod dns;
pub mod ecs;
pub mod engine;
pub mod engines;
pub mod layout;
pub mod lives;
pub mod names;
pub mod process;
pub mod processes;
pub mod proxy;
pub mod workload;

pub use by_pid::ByPid;
pub use cgroup::{CgroupError, CgroupMount};
pub use container::{Attachment, Container, ContainerId, Life, NetworkMode};
pub use directory::{Counts, Directory, Facts};
pub use ecs::{Ecs, EcsStats, EcsView};
pub use engine::{EngineAddress, EngineState};
pub use layout::Runtime;
pub use names::Names;
pub use proxy::Forward;
pub use workload::{Workload, Workloads};
