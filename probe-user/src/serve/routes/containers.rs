//! `/api/v1/containers`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    identity::{self, container::Life},
    serve::{
        Desk,
        answer::{Error, Refusal, json},
    },
};

/// Every container that is known, by name.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct ContainerList {
    /// `probe.containers/v1`.
    schema: &'static str,
    /// By name, then id.
    containers: Vec<Container>,
}

/// A container; what no source has told is null or empty.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct Container {
    /// The runtime's id.
    id: String,
    /// Without a leading slash.
    name: Option<String>,
    /// As it was asked for.
    image: Option<String>,
    /// `created`, `running` or `ended`.
    state: &'static str,
    /// The engine's labels.
    labels: BTreeMap<String, String>,
    /// Its addresses by network.
    networks: BTreeMap<String, Vec<String>>,
    /// The inode of its cgroup's directory.
    cgroup_id: Option<u64>,
    /// Its first process, seen from the engine.
    pid: Option<u32>,
    /// RFC 3339.
    started: Option<String>,
    /// RFC 3339.
    finished: Option<String>,
    /// The address of the engine that described it.
    engine: Option<String>,
}

impl From<&identity::Container> for Container {
    fn from(container: &identity::Container) -> Self {
        let networks = container.networks.iter().map(|network| {
            let addresses = network.addresses.iter().map(ToString::to_string);
            (network.network.clone(), addresses.collect())
        });
        Self {
            id: container.id.to_string(),
            name: container.name.clone(),
            image: container.image.clone(),
            state: match container.life {
                Life::Created => "created",
                Life::Running => "running",
                Life::Ended => "ended",
            },
            labels: container.labels.clone(),
            networks: networks.collect(),
            cgroup_id: container.cgroup.map(|cgroup| cgroup.0),
            pid: container.pid,
            started: container.started.map(|time| time.to_string()),
            finished: container.finished.map(|time| time.to_string()),
            engine: container.engine.as_deref().map(str::to_owned),
        }
    }
}

/// Containers, those that ended within the last minute included.
#[utoipa::path(
    get, path = "/api/v1/containers",
    responses(
        (status = 200, description = "The containers", body = ContainerList),
        (status = 304, description = "They are those of the If-None-Match header"),
        (status = 401, description = "A token is wanted", body = Error),
        (status = 403, description = "The Host or the Origin is foreign", body = Error),
    )
)]
pub(in crate::serve) async fn containers(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut containers: Vec<_> = desk.directory.containers();
    containers.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    let list = ContainerList {
        schema: "probe.containers/v1",
        containers: containers.iter().map(|c| Container::from(&**c)).collect(),
    };
    json(&headers, &list)
}
