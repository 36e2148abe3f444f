//! What an agent is to do.

use std::time::Duration;

use crate::{
    filter::Filter,
    identity::{EngineAddress, ecs},
    ids::NetNs,
    kernel::{connections::Watch, messages::Capture},
    topology::Shape,
};

/// What an agent is to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Time between two looks at the flow map.
    pub interval: Duration,
    /// Flows the kernel and the ledger hold.
    pub max_flows: u32,
    /// The one network namespace to look at, by its inode number; all if not given.
    pub netns: Option<NetNs>,
    /// Where container engines are.
    pub engines: Vec<EngineAddress>,
    /// Which records are wanted.
    pub processes: bool,
    /// Whether flows are.
    pub traffic: bool,
    /// Whether what is used of files may be asked for: there is room for it then.
    pub files: bool,
    /// How much of what is said is; `None` where nobody wants to know.
    pub messages: Option<Capture>,
    /// Which connections are told one by one; `None` where nobody wants to know. Without traffic only.
    pub connections: Option<Watch>,
    /// What of both is: cgroups of which it lets nothing pass are kept back by the kernel.
    pub filter: Option<Filter>,
    /// How ECS is asked for the tasks of this host's containers; `None` where nobody wants to know.
    pub ecs: Option<ecs::Options>,
    /// What of the traffic is shown.
    pub show: Show,
}

/// What of the traffic a graph has, and which nodes.
#[derive(Clone, Debug, Default)]
pub struct Show {
    /// What nodes are folded into.
    pub shape: Shape,
    /// Whether a docker-proxy is a node, rather than part of the edge it carries.
    pub proxies: bool,
    /// How far back traffic counts; since the start if not given.
    pub window: Option<Duration>,
    /// How long a node is shown that has no traffic; for ever if not given.
    pub fade: Option<Duration>,
}
