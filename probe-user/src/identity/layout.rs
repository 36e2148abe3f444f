//! What a cgroup's path says: whose container it is, or which systemd unit's.
//!
//! Runtimes name the directory of a container after its id, each in its own way. [`RULES`] lists
//! the ways; a path is read from its root, so the outermost container wins: what systemd or
//! another engine makes inside a container belongs to the container that holds it.

use std::fmt;

use super::container::{ContainerId, is_hex_id, is_lower_hex};

#[cfg(test)]
mod tests;

/// What runs a container.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Runtime {
    /// Docker, also as ECS uses it.
    Docker,
    /// Podman.
    Podman,
    /// containerd: by Kubernetes, by Fargate, by `ctr` or `nerdctl`.
    Containerd,
    /// CRI-O.
    CriO,
    /// LXC, LXD, Incus.
    Lxc,
    /// systemd-nspawn.
    Nspawn,
    /// The path has a container's id, but does not tell whose: Kubernetes with the cgroupfs
    /// driver, or a custom cgroup parent.
    #[default]
    Unknown,
}

impl Runtime {
    /// The name in lower case, as in logs and exports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Containerd => "containerd",
            Self::CriO => "cri-o",
            Self::Lxc => "lxc",
            Self::Nspawn => "systemd-nspawn",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The container a path belongs to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// What runs it.
    pub runtime: Runtime,
    /// What the runtime calls it.
    pub id: ContainerId,
    /// Length in bytes of the path up to and including the container's own cgroup: the whole
    /// path when the cgroup is its own, less when it is one inside.
    pub prefix: usize,
}

/// Which directory above makes a rule apply.
enum Above {
    Any,
    /// The parent has this name.
    Parent(&'static str),
    /// The parent has this name and is at the top.
    Top(&'static str),
    /// Some directory above has this name.
    Below(&'static str),
}

/// How the directory's name holds the id.
enum Name {
    /// Between this prefix and this suffix.
    Between(&'static str, &'static str),
    /// Behind this mark: runc's `slice:prefix:id`, used as a plain name by the cgroupfs driver.
    Behind(&'static str),
}

/// What an id looks like.
enum Id {
    /// 64 lower-case hex digits.
    Hex,
    /// A Fargate runtime id: the task's 32 hex digits, a dash, up to ten digits
    /// (elastic/apm #888).
    Fargate,
    /// Any name that people give.
    Given,
}

struct Rule(Runtime, Above, Name, Id);

/// The first rule that fits a directory decides; the exact ones precede the general ones.
#[rustfmt::skip] // One row a rule.
const RULES: &[Rule] = &[
    // systemd driver: a scope for each container, in any slice.
    Rule(Runtime::Docker, Above::Any, Name::Between("docker-", ".scope"), Id::Hex),
    Rule(Runtime::Podman, Above::Any, Name::Between("libpod-", ".scope"), Id::Hex),
    Rule(Runtime::Containerd, Above::Any, Name::Between("cri-containerd-", ".scope"), Id::Hex),
    Rule(Runtime::Containerd, Above::Any, Name::Between("nerdctl-", ".scope"), Id::Hex),
    Rule(Runtime::CriO, Above::Any, Name::Between("crio-", ".scope"), Id::Hex),
    // A slice's name handed to the cgroupfs driver.
    Rule(Runtime::Containerd, Above::Any, Name::Behind(":cri-containerd:"), Id::Hex),
    Rule(Runtime::Containerd, Above::Any, Name::Behind(":nerdctl:"), Id::Hex),
    Rule(Runtime::CriO, Above::Any, Name::Behind(":crio:"), Id::Hex),
    Rule(Runtime::Docker, Above::Any, Name::Behind(":docker:"), Id::Hex),
    // cgroupfs driver, with the runtime in the name. "payload" is Podman's `--cgroups=split`.
    Rule(Runtime::Podman, Above::Any, Name::Between("libpod-payload-", ""), Id::Hex),
    Rule(Runtime::Podman, Above::Any, Name::Between("libpod-", ""), Id::Hex),
    Rule(Runtime::CriO, Above::Any, Name::Between("crio-", ""), Id::Hex),
    // cgroupfs driver, with the runtime in the parent.
    Rule(Runtime::Docker, Above::Parent("docker"), Name::Between("", ""), Id::Hex),
    Rule(Runtime::Containerd, Above::Parent("k8s.io"), Name::Between("", ""), Id::Hex),
    Rule(Runtime::Containerd, Above::Parent("default"), Name::Between("", ""), Id::Hex),
    Rule(Runtime::Containerd, Above::Top("default"), Name::Between("", ""), Id::Given),
    // ECS: /ecs/<task>/<id>, at times with the cluster or more between. Fargate is containerd.
    Rule(Runtime::Docker, Above::Below("ecs"), Name::Between("", ""), Id::Hex),
    Rule(Runtime::Containerd, Above::Below("ecs"), Name::Between("", ""), Id::Fargate),
    // Containers of the system, by name. `lxc.monitor.<name>` is a process of the host.
    Rule(Runtime::Lxc, Above::Any, Name::Between("lxc.payload.", ""), Id::Given),
    Rule(Runtime::Lxc, Above::Parent("lxc.payload"), Name::Between("", ""), Id::Given),
    Rule(Runtime::Lxc, Above::Top("lxc"), Name::Between("", ""), Id::Given),
    Rule(Runtime::Nspawn, Above::Parent("machine.slice"), Name::Between("systemd-nspawn@", ".service"), Id::Given),
    // Kubernetes' cgroupfs driver and any `--cgroup-parent`: the id alone.
    Rule(Runtime::Unknown, Above::Any, Name::Between("", ""), Id::Hex),
];

/// The container that the cgroup at `path` belongs to, from the path alone. `None` for systemd
/// units, user slices, and the directories that hold containers.
#[must_use]
pub fn container_in(path: &str) -> Option<Found> {
    let mut start = 0;
    for name in path.split('/') {
        if !name.is_empty() {
            let above = &path[..start];
            if let Some((runtime, id)) = RULES.iter().find_map(|rule| rule.read(above, name)) {
                return Some(Found {
                    runtime,
                    id: ContainerId::new(id),
                    prefix: start + name.len(),
                });
            }
        }
        start += name.len() + 1;
    }
    None
}

impl Rule {
    fn read<'a>(&self, above: &str, name: &'a str) -> Option<(Runtime, &'a str)> {
        let Self(runtime, place, form, shape) = self;
        let id = match form {
            Name::Between(prefix, suffix) => name.strip_prefix(prefix)?.strip_suffix(suffix)?,
            Name::Behind(mark) => &name[name.rfind(mark)? + mark.len()..],
        };
        (shape.fits(id) && place.holds(above)).then_some((*runtime, id))
    }
}

impl Above {
    fn holds(&self, above: &str) -> bool {
        let mut names = above.split('/').filter(|name| !name.is_empty());
        match *self {
            Self::Any => true,
            Self::Parent(parent) => names.next_back() == Some(parent),
            Self::Top(parent) => names.next() == Some(parent) && names.next().is_none(),
            Self::Below(ancestor) => names.any(|name| name == ancestor),
        }
    }
}

impl Id {
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Hex => is_hex_id(text),
            Self::Fargate => text.split_once('-').is_some_and(|(task, serial)| {
                task.len() == 32
                    && task.bytes().all(is_lower_hex)
                    && (1..=10).contains(&serial.len())
                    && serial.bytes().all(|byte| byte.is_ascii_digit())
            }),
            Self::Given => !text.is_empty(),
        }
    }
}

/// The systemd unit that the cgroup at `path` belongs to, as systemd escapes its name: the
/// innermost service or scope, else the innermost slice.
#[must_use]
pub fn unit_in(path: &str) -> Option<&str> {
    let innermost = |suffixes: &[&str]| {
        path.rsplit('/').find(|name| {
            suffixes
                .iter()
                .any(|suffix| name.len() > suffix.len() && name.ends_with(suffix))
        })
    };
    innermost(&[".service", ".scope", ".socket", ".mount", ".swap"])
        .or_else(|| innermost(&[".slice"]))
}
