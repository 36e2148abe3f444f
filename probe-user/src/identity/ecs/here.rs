//! All that is known of ECS on this host at one moment, by task and by service.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Ecs;
use super::arn::{ServiceKey, TaskArn};
use super::view::EcsView;
use crate::identity::container::Container;

/// The tasks of this host's containers, and the services those are of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Here {
    /// Tasks, each with its running containers.
    pub tasks: BTreeMap<TaskArn, TaskHere>,
    /// Services, each with a view of one of its tasks.
    pub services: BTreeMap<ServiceKey, ServiceHere>,
}

/// A task on this host.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskHere {
    /// What is known of it.
    pub view: EcsView,
    /// Its containers and what is known of each, by name.
    pub containers: Vec<(Arc<Container>, EcsView)>,
}

/// A service with tasks on this host.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceHere {
    /// What is known of it, seen from one of its tasks.
    pub view: EcsView,
    /// Its tasks on this host.
    pub tasks: usize,
}

impl Ecs {
    /// The tasks of the containers that have not ended, and their services, from memory.
    #[must_use]
    pub fn here(&self) -> Here {
        let mut here = Here::default();
        for container in self.directory.containers() {
            if container.is_ended() {
                continue;
            }
            let Some(view) = self.of(&container) else {
                continue;
            };
            let Some(arn) = view.facts.task.clone() else {
                continue;
            };
            let task = here.tasks.entry(arn).or_insert_with(|| TaskHere {
                view: view.clone(),
                containers: Vec::new(),
            });
            task.containers.push((container, view));
        }
        for task in here.tasks.values_mut() {
            task.containers
                .sort_by(|(a, _), (b, _)| a.display_name().cmp(b.display_name()));
            let view = &task.view;
            if let (Some(cluster), Some(name)) = (&view.facts.cluster, &view.service) {
                let key = ServiceKey {
                    cluster: cluster.clone(),
                    name: name.clone(),
                };
                let service = here.services.entry(key).or_insert_with(|| ServiceHere {
                    view: view.clone(),
                    tasks: 0,
                });
                service.tasks += 1;
            }
        }
        here
    }
}
