//! The fields of a container.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{
    filter::{Field, Record, Value},
    identity::{
        Container,
        ecs::{
            EcsFacts,
            arn::{ClusterName, TaskArn},
        },
    },
    topology::{Kind, Node},
};

/// What `container.*` and `ecs.*` tell, whoever knows it.
#[derive(Clone, Copy, Debug)]
pub struct ContainerFields<'a> {
    /// In full.
    pub id: &'a str,
    /// As the engine calls it.
    pub name: Option<&'a str>,
    /// As it was asked for.
    pub image: Option<&'a str>,
    /// The engine's.
    pub labels: &'a BTreeMap<String, String>,
    /// Its ECS service, where that is known.
    pub service: Option<&'a str>,
}

impl<'a> From<&'a Container> for ContainerFields<'a> {
    fn from(container: &'a Container) -> Self {
        Self {
            id: container.id.as_str(),
            name: container.name.as_deref(),
            image: container.image.as_deref(),
            labels: &container.labels,
            service: container.service(),
        }
    }
}

impl<'a> ContainerFields<'a> {
    /// Of a node that is a container.
    pub(super) fn of_node(node: &'a Node) -> Option<Self> {
        let id = node.id.as_str();
        (node.kind == Kind::Container).then(|| Self {
            id: id.strip_prefix("container:").unwrap_or(id),
            name: Some(&node.name),
            image: node.image.as_deref(),
            labels: &node.labels,
            service: node.ecs.as_ref().and_then(|ecs| ecs.service.as_deref()),
        })
    }

    /// Tells its value of `field`, if it has one; addresses are told by `addresses`.
    pub fn each(
        &self,
        field: Field,
        key: &str,
        addresses: impl Iterator<Item = IpAddr>,
        tell: &mut dyn FnMut(Value<'_>),
    ) {
        let mut text = |text: Option<&str>| {
            if let Some(text) = text {
                tell(Value::Text(text));
            }
        };
        match field {
            Field::ContainerId => text(Some(self.id)),
            Field::ContainerName => text(self.name),
            Field::ContainerImage => text(self.image),
            Field::ContainerLabel => text(self.labels.get(key).map(String::as_str)),
            Field::ContainerIp => addresses.map(Value::Address).for_each(tell),
            Field::EcsCluster => {
                let facts = EcsFacts::of(self.labels);
                let cluster = facts.and_then(|facts| facts.cluster);
                text(cluster.as_ref().map(ClusterName::as_str));
            }
            Field::EcsService => text(self.service),
            Field::EcsTask => {
                let task = EcsFacts::of(self.labels).and_then(|facts| facts.task);
                let arn = task.as_ref().map(TaskArn::as_str);
                text(arn);
                text(arn.and_then(|arn| arn.rsplit('/').next()));
            }
            Field::EcsFamily => {
                let facts = EcsFacts::of(self.labels);
                text(facts.as_ref().and_then(|facts| facts.family.as_deref()));
            }
            Field::EcsContainer => {
                let facts = EcsFacts::of(self.labels);
                text(facts.as_ref().and_then(|facts| facts.container.as_deref()));
            }
            _ => {}
        }
    }
}

/// A container on the host called `host`.
#[derive(Clone, Copy, Debug)]
pub struct ContainerRecord<'a> {
    container: &'a Container,
    host: &'a str,
}

impl<'a> ContainerRecord<'a> {
    /// As the directory knows it.
    #[must_use]
    pub const fn new(container: &'a Container, host: &'a str) -> Self {
        Self { container, host }
    }
}

impl Record for ContainerRecord<'_> {
    fn each(&self, field: Field, key: &str, tell: &mut dyn FnMut(Value<'_>)) {
        if field == Field::HostName {
            tell(Value::Text(self.host));
            return;
        }
        let addresses = self.container.addresses();
        ContainerFields::from(self.container).each(field, key, addresses, tell);
    }
}
