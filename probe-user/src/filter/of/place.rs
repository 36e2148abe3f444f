//! The fields that all that happens in a cgroup has in common.

use super::ContainerFields;
use crate::{
    filter::{Field, Record, Value},
    identity::Container,
};

/// A cgroup on the host called `host`.
#[derive(Clone, Copy, Debug)]
pub struct PlaceRecord<'a> {
    container: Option<&'a Container>,
    host: &'a str,
}

impl<'a> PlaceRecord<'a> {
    /// `container` is the one that the cgroup belongs to, `None` if it belongs to none.
    #[must_use]
    pub const fn new(container: Option<&'a Container>, host: &'a str) -> Self {
        Self { container, host }
    }

    /// Whether a cgroup may tell of `field`. Addresses it does not: containers are given them while
    /// they run. Nor services: ECS tells of them some time after the container is known.
    #[must_use]
    pub const fn has(field: Field) -> bool {
        matches!(
            field,
            Field::ContainerId
                | Field::ContainerName
                | Field::ContainerImage
                | Field::ContainerLabel
                | Field::EcsCluster
                | Field::EcsTask
                | Field::EcsFamily
                | Field::EcsContainer
                | Field::HostName
        )
    }

    /// Whether what this one tells of `field` stands, until somebody changes it.
    ///
    /// A path tells of a container's id, and that there is none. The rest is known once its engine was
    /// asked about it while it runs, which alone tells its pid: events and lists may leave something out.
    #[must_use]
    pub fn knows(&self, field: Field) -> bool {
        let told = || self.container.is_none_or(|known| known.pid.is_some());
        match field {
            Field::HostName | Field::ContainerId => true,
            field => Self::has(field) && told(),
        }
    }
}

impl Record for PlaceRecord<'_> {
    fn each(&self, field: Field, key: &str, tell: &mut dyn FnMut(Value<'_>)) {
        match (field, self.container) {
            (Field::HostName, _) => tell(Value::Text(self.host)),
            (field, Some(container)) => {
                let addresses = container.addresses();
                ContainerFields::from(container).each(field, key, addresses, tell);
            }
            (_, None) => {}
        }
    }
}
