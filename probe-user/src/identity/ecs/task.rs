//! A task: what of it never changes, and so is asked for once.

use super::arn::{ServiceName, TaskArn};

/// Containers of one task that are kept; ECS allows 10.
pub(super) const MAX_CONTAINERS: usize = 32;

/// The immutable facts of a task. What the source did not tell is `None` or empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Task {
    /// Its ARN.
    pub arn: TaskArn,
    /// The family of its definition.
    pub family: Option<String>,
    /// The revision of its definition.
    pub revision: Option<String>,
    /// `service:<name>`, `family:<name>`, or what it was started with.
    pub group: Option<String>,
    /// Who started it: a deployment's id (`ecs-svc/…`) for a service's task.
    pub started_by: Option<String>,
    /// `EC2`, `FARGATE`, `EXTERNAL` or `MANAGED_INSTANCES`.
    pub launch_type: Option<String>,
    /// The capacity provider that placed it.
    pub capacity_provider: Option<String>,
    /// What is reserved for the whole task.
    pub reserved: Reserved,
    /// Its containers, ordered as the source told them; at most 32.
    pub containers: Vec<TaskContainer>,
}

/// A container as its task knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TaskContainer {
    /// The name in the task definition.
    pub name: String,
    /// What is reserved for it.
    pub reserved: Reserved,
}

/// CPU and memory set aside.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reserved {
    /// CPU units: 1024 are one virtual CPU. ECS writes 0 for "none", which is `None` here.
    pub cpu: Option<u32>,
    /// Memory in MiB.
    pub memory: Option<u32>,
}

impl Reserved {
    /// What this leaves open, from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.or(other.cpu),
            memory: self.memory.or(other.memory),
        }
    }
}

impl Task {
    /// A task of which only the ARN is known.
    #[must_use]
    pub fn new(arn: TaskArn) -> Self {
        Self {
            arn,
            family: None,
            revision: None,
            group: None,
            started_by: None,
            launch_type: None,
            capacity_provider: None,
            reserved: Reserved::default(),
            containers: Vec::new(),
        }
    }

    /// The service its group names.
    #[must_use]
    pub fn service(&self) -> Option<ServiceName> {
        ServiceName::in_group(self.group.as_deref()?)
    }

    /// Run by itself, for no service: its group is its family's.
    #[must_use]
    pub fn is_one_off(&self) -> bool {
        self.group
            .as_deref()
            .is_some_and(|group| group.starts_with("family:"))
    }

    /// What is reserved for the container called `name`; the task's own figures where that has
    /// none.
    #[must_use]
    pub fn reserved_for(&self, name: &str) -> Reserved {
        let own = self.containers.iter().find(|c| c.name == name);
        own.map_or_else(Reserved::default, |c| c.reserved)
            .or(self.reserved)
    }
}

/// `family` and `revision` of `arn:…:task-definition/<family>:<revision>`.
pub(super) fn definition(arn: &str) -> Option<(String, String)> {
    let (_, definition) = arn.rsplit_once('/')?;
    let (family, revision) = definition.rsplit_once(':')?;
    Some((family.to_owned(), revision.to_owned()))
}

/// ECS writes numbers as text, and 0 where nothing is reserved.
pub(super) fn figure(text: Option<&str>) -> Option<u32> {
    text?.parse().ok().filter(|figure| *figure > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> Task {
        Task::new(TaskArn::parse("arn:aws:ecs:eu-west-1:012345678910:task/prod/1f").unwrap())
    }

    #[test]
    fn the_group_tells_services_from_one_off_tasks() {
        let check = |group: Option<&str>, service: Option<&str>, one_off| {
            let task = Task {
                group: group.map(str::to_owned),
                ..task()
            };
            assert_eq!(
                task.service().as_ref().map(ServiceName::as_str),
                service,
                "{group:?}"
            );
            assert_eq!(task.is_one_off(), one_off, "{group:?}");
        };
        check(Some("service:web"), Some("web"), false);
        check(Some("family:web"), None, true);
        check(Some("nightly"), None, false);
        check(None, None, false);
    }

    #[test]
    fn a_container_without_figures_has_its_tasks() {
        let reserved = |cpu, memory| Reserved { cpu, memory };
        let task = Task {
            reserved: reserved(Some(1024), Some(2048)),
            containers: vec![TaskContainer {
                name: "nginx".to_owned(),
                reserved: reserved(Some(256), None),
            }],
            ..task()
        };
        assert_eq!(task.reserved_for("nginx"), reserved(Some(256), Some(2048)));
        assert_eq!(task.reserved_for("sidecar"), task.reserved);
    }

    #[test]
    fn definitions_and_figures_are_read_from_text() {
        let arn = "arn:aws:ecs:eu-west-1:012345678910:task-definition/web:7";
        assert_eq!(definition(arn), Some(("web".to_owned(), "7".to_owned())));
        assert_eq!(definition("web"), None);
        assert_eq!(figure(Some("256")), Some(256));
        for nothing in [None, Some("0"), Some(""), Some("-1"), Some("1 vCPU")] {
            assert_eq!(figure(nothing), None);
        }
    }
}
