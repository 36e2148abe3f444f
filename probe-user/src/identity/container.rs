//! A container as the rest of the agent sees it: an immutable value, replaced when a fact changes.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::ecs::{EcsView, arn::ServiceName};
use super::layout::Runtime;
use crate::ids::CgroupId;

/// Hex digits in the ids of docker-like runtimes: a SHA-256.
pub const HEX_ID_LEN: usize = 64;

/// Hex digits of an id that people read and type.
const SHORT_LEN: usize = 12;

/// What the runtime calls a container: 64 lower-case hex digits for docker-like runtimes, a name
/// for LXC, `<32 hex>-<digits>` on Fargate.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ContainerId(Arc<str>);

impl ContainerId {
    /// Takes `text` as it is: every runtime has its own form.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The id in full.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits of a 64-digit id, any other id in full.
    #[must_use]
    pub fn short(&self) -> &str {
        if is_hex_id(&self.0) {
            &self.0[..SHORT_LEN]
        } else {
            &self.0
        }
    }
}

impl Borrow<str> for ContainerId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContainerId({})", self.short())
    }
}

/// True for 64 lower-case hex digits.
#[must_use]
pub fn is_hex_id(text: &str) -> bool {
    text.len() == HEX_ID_LEN && text.bytes().all(is_lower_hex)
}

pub(super) fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// Where a container is in its life. A stopped container that is started again is `Running` again.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Life {
    /// Made, never started: it may have addresses, but no process.
    Created,
    /// Its cgroup exists or its engine says it runs.
    #[default]
    Running,
    /// Its processes are gone. It stays known for [`super::directory::KEPT`].
    Ended,
}

/// Whose network namespace a container lives in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum NetworkMode {
    /// Nothing is known: no engine has described the container.
    #[default]
    Unknown,
    /// Its own, attached to networks, or to none.
    Own,
    /// The host's: the host's addresses are not this container's.
    Host,
    /// That of the container with this id or name: they share its addresses.
    Of(Arc<str>),
}

/// A container's place in one of the engine's networks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attachment {
    /// The network's name, such as `bridge`.
    pub network: String,
    /// The container's addresses in it, IPv4 before IPv6; empty while it does not run.
    pub addresses: Vec<IpAddr>,
}

/// Everything known of one container. What no source has told is `None` or empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// The runtime's id.
    pub id: ContainerId,
    /// What runs it, as far as the path or the engine tells.
    pub runtime: Runtime,
    /// The address of the engine that described it; `None` when only its path is known.
    pub engine: Option<Arc<str>>,
    /// The engine's name for it, without a leading slash.
    pub name: Option<String>,
    /// The image as it was asked for, such as `nginx:1.27`.
    pub image: Option<String>,
    /// The engine's labels.
    pub labels: BTreeMap<String, String>,
    /// Networks and addresses, ordered by the network's name. Kept as they were when it ends.
    pub networks: Vec<Attachment>,
    /// Whose network namespace it lives in.
    pub network_mode: NetworkMode,
    /// Its own cgroup, the latest one if it was restarted.
    pub cgroup: Option<CgroupId>,
    /// The path of that cgroup from the root of the hierarchy, with a leading slash.
    pub cgroup_path: Option<Arc<str>>,
    /// Its first process, in the pid namespace of the engine; `None` unless it runs.
    pub pid: Option<u32>,
    /// When it was started, by the engine's clock.
    pub started: Option<Timestamp>,
    /// When it ended, by the engine's clock; `None` while it runs.
    pub finished: Option<Timestamp>,
    /// Where it is in its life.
    pub life: Life,
    /// Its task and service, where ECS started it. The directory knows nothing of them:
    /// [`Host`](super::workload::Host) puts them here.
    pub ecs: Option<EcsView>,
}

impl Container {
    /// A container of which nothing but id and runtime is known.
    #[must_use]
    pub fn new(id: ContainerId, runtime: Runtime) -> Self {
        Self {
            id,
            runtime,
            engine: None,
            name: None,
            image: None,
            labels: BTreeMap::new(),
            networks: Vec::new(),
            network_mode: NetworkMode::Unknown,
            cgroup: None,
            cgroup_path: None,
            pid: None,
            started: None,
            finished: None,
            life: Life::default(),
            ecs: None,
        }
    }

    /// Its processes are gone.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.life == Life::Ended
    }

    /// The name, or the short id while there is none.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.id.short())
    }

    /// The ECS service it is of, where that is known.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        let view = self.ecs.as_ref()?;
        view.service.as_ref().map(ServiceName::as_str)
    }

    /// Every address the engine reported.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.networks
            .iter()
            .flat_map(|n| n.addresses.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, short: &str) {
        assert_eq!(ContainerId::new(id).short(), short, "{id}");
        assert_eq!(ContainerId::new(id).to_string(), id);
    }

    #[test]
    fn only_ids_of_64_hex_digits_are_shortened() {
        check(&"0123456789abcdef".repeat(4), "0123456789ab");
        check("web-1", "web-1");
        check(
            "c23e5f76c09d438aa1824ca4058bdcab-1234678",
            "c23e5f76c09d438aa1824ca4058bdcab-1234678",
        );
        check(&"0123456789ABCDEF".repeat(4), &"0123456789ABCDEF".repeat(4));
    }
}
