//! Nodes: those who talk.

use std::{collections::BTreeMap, fmt, net::IpAddr, sync::Arc};

use super::{backlog::Overflows, lens::Lens, placement::Placement, scope::Scope};
use crate::{
    identity::{Container, Workload},
    ids::CgroupId,
};

/// What somebody is called of whom nothing is known.
const UNKNOWN: &str = "unknown";

/// What a node is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// A container.
    Container,
    /// A command on the host, outside containers.
    Process,
    /// The host.
    Host,
    /// An address elsewhere.
    External,
    /// Containers started together.
    Task,
    /// Tasks that do the same.
    Service,
    /// Containers of one image.
    Image,
}

impl Kind {
    /// The word that stands for it in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Process => "process",
            Self::Host => "host",
            Self::External => "external",
            Self::Task => "task",
            Self::Service => "service",
            Self::Image => "image",
        }
    }
}

/// Names a node for as long as the graph lives: `kind:` and what tells it apart within its kind.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// Takes `text` as it is.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The id in full.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What tells it apart within its kind.
    #[must_use]
    pub fn own(&self) -> &str {
        self.parts().1
    }

    /// Its kind, in a word, and what tells it apart within that.
    #[must_use]
    pub fn parts(&self) -> (&str, &str) {
        self.0.split_once(':').unwrap_or_default()
    }

    /// Whether it is the node of this one, as it is where nothing is folded.
    #[must_use]
    pub fn is_of(&self, workload: &Workload) -> bool {
        let (kind, own) = self.parts();
        match workload {
            Workload::Container(container) => {
                kind == Kind::Container.as_str() && container.id.as_str() == own
            }
            Workload::Process(command) => kind == Kind::Process.as_str() && **command == *own,
            Workload::Host => kind == Kind::Host.as_str(),
            Workload::External(address) => {
                kind == Kind::External.as_str() && address.to_string() == own
            }
            Workload::Unknown => kind == Kind::External.as_str() && own == UNKNOWN,
        }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One that talks, as the graph shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What tells it apart.
    pub id: NodeId,
    /// What it is.
    pub kind: Kind,
    /// What people call it.
    pub name: String,
    /// A container's image.
    pub image: Option<String>,
    /// A container's labels.
    pub labels: BTreeMap<String, String>,
    /// A container's cgroup.
    pub cgroup: Option<CgroupId>,
    /// The host it is on; `None` in a graph of one host, where it goes without saying.
    pub host: Option<Arc<str>>,
    /// Names of the networks a container is in.
    pub networks: Vec<String>,
    /// Where it is reached: a container's addresses, an external node's own.
    pub addresses: Vec<IpAddr>,
    /// What an external node's addresses are.
    pub scope: Option<Scope>,
    /// What ECS says of a container, or of all that the node stands for.
    pub ecs: Option<Placement>,
    /// How many nodes this one stands for, if it stands for a group.
    pub members: Option<u64>,
    /// How often a backlog of its was full.
    pub overflows: Overflows,
}

impl Node {
    /// The node for a workload, or, if there is a `command`, for that command of a container.
    #[must_use]
    pub fn of(workload: &Workload, command: &str, lens: Lens<'_>) -> Self {
        match workload {
            Workload::Container(container) if command.is_empty() => {
                Self::container(container, lens)
            }
            Workload::Container(container) => Self::container(container, lens).process(command),
            Workload::Process(command) => Self::plain(Kind::Process, command.to_string()),
            Workload::Host => Self::plain(Kind::Host, lens.host.to_owned()),
            Workload::External(address) => Self {
                addresses: vec![*address],
                scope: Some(Scope::of(*address)),
                ..Self::plain(Kind::External, address.to_string())
            },
            Workload::Unknown => Self::plain(Kind::External, UNKNOWN.to_owned()),
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The processes of this container that are called so.
    fn process(self, command: &str) -> Self {
        let container = self.id.own();
        Self {
            id: NodeId(format!("{}:{container}/{command}", Kind::Process.as_str()).into()),
            kind: Kind::Process,
            name: format!("{}/{command}", self.name),
            ..self
        }
    }

    fn container(container: &Container, lens: Lens<'_>) -> Self {
        let ecs = container.ecs.as_ref();
        Self {
            ecs: ecs.map(|view| Placement::of(view, lens.clock)),
            name: container.display_name().to_owned(),
            image: container.image.clone(),
            labels: container.labels.clone(),
            cgroup: container.cgroup,
            networks: container
                .networks
                .iter()
                .map(|n| n.network.clone())
                .collect(),
            addresses: container.addresses().collect(),
            ..Self::plain(Kind::Container, container.id.to_string())
        }
    }

    /// One of which nothing but kind and name is known; its id is made of them.
    #[must_use]
    pub fn plain(kind: Kind, name: String) -> Self {
        Self {
            id: NodeId(format!("{}:{name}", kind.as_str()).into()),
            kind,
            name,
            image: None,
            labels: BTreeMap::new(),
            cgroup: None,
            host: None,
            networks: Vec::new(),
            addresses: Vec::new(),
            scope: None,
            ecs: None,
            members: None,
            overflows: Overflows::new(),
        }
    }
}
