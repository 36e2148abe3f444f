//! What a lookup answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::arn::ServiceName;
use super::labels::EcsFacts;
use super::memory::Known;
use super::service::Service;
use super::task::{Reserved, Task};

/// All that is known of a container's task and service.
#[derive(Clone, Debug, PartialEq)]
pub struct EcsView {
    /// What the container's labels say: always there.
    pub facts: EcsFacts,
    /// The task, once it was described.
    pub task: Option<Arc<Known<Task>>>,
    /// The service the task is of, once that was found; `None` for a one-off task.
    pub service: Option<ServiceName>,
    /// That service, as of the last refresh that went well.
    pub state: Option<Arc<Known<Service>>>,
}

impl EcsView {
    /// What is known now, and what was known `before` and is forgotten: of a task that has ended,
    /// ECS is not asked again.
    #[must_use]
    pub fn or(self, before: &Self) -> Self {
        if self.facts != before.facts {
            return self;
        }
        Self {
            task: self.task.or_else(|| before.task.clone()),
            service: self.service.or_else(|| before.service.clone()),
            state: self.state.or_else(|| before.state.clone()),
            ..self
        }
    }

    /// `family:revision`: of the labels, else of the task.
    #[must_use]
    pub fn definition(&self) -> Option<String> {
        self.facts.definition().or_else(|| {
            let task = &self.task.as_ref()?.value;
            match (&task.family, &task.revision) {
                (Some(family), Some(revision)) => Some(format!("{family}:{revision}")),
                (family, _) => family.clone(),
            }
        })
    }

    /// How the task was launched: its launch type, else its capacity provider.
    #[must_use]
    pub fn launch(&self) -> Option<&str> {
        let task = &self.task.as_ref()?.value;
        let launch = task.launch_type.as_deref();
        launch.or(task.capacity_provider.as_deref())
    }

    /// What is reserved for the container, else for its task.
    #[must_use]
    pub fn reserved(&self) -> Reserved {
        let task = self.task.as_ref().map(|known| &known.value);
        task.map_or_else(Reserved::default, |task| {
            let name = self.facts.container.as_deref();
            name.map_or(task.reserved, |name| task.reserved_for(name))
        })
    }

    /// Everything under the names that outputs use, beginning with `ecs.`. What is not known is
    /// left out. Ages are whole seconds, CPU in units of 1/1024, memory in MiB.
    #[must_use]
    pub fn fields(&self) -> BTreeMap<&'static str, String> {
        let mut fields = BTreeMap::new();
        let mut put = |name, value: Option<String>| {
            if let Some(value) = value {
                fields.insert(name, value);
            }
        };
        let reserved = self.reserved();
        let facts = &self.facts;
        put(
            "ecs.cluster",
            facts.cluster.as_ref().map(ToString::to_string),
        );
        put("ecs.task", facts.task.as_ref().map(ToString::to_string));
        put("ecs.definition", self.definition());
        put("ecs.container", facts.container.clone());
        put(
            "ecs.service",
            self.service.as_ref().map(ToString::to_string),
        );
        put("ecs.launch", self.launch().map(str::to_owned));
        put("ecs.cpu", reserved.cpu.map(|cpu| cpu.to_string()));
        put(
            "ecs.memory",
            reserved.memory.map(|memory| memory.to_string()),
        );
        let age = |age: std::time::Duration| age.as_secs().to_string();
        put(
            "ecs.task_age",
            self.task.as_ref().map(|known| age(known.age())),
        );
        if let Some(known) = &self.state {
            let service = &known.value;
            put("ecs.desired", Some(service.desired.to_string()));
            put("ecs.running", Some(service.running.to_string()));
            put("ecs.pending", Some(service.pending.to_string()));
            put("ecs.status", Some(service.status.as_str().to_owned()));
            put("ecs.rollout", service.rollout().map(str::to_owned));
            put("ecs.service_age", Some(age(known.age())));
        }
        fields
    }
}
