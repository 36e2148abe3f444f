//! The engine's messages, made into our own types at the edge.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerSummary, ContainerSummaryStateEnum,
    EndpointSettings, EventMessage, EventMessageTypeEnum, NetworkSettings, SystemVersion,
};
use jiff::Timestamp;

use crate::identity::container::{Attachment, ContainerId, Life, NetworkMode};
use crate::identity::directory::Facts;
use crate::identity::layout::Runtime;

#[cfg(test)]
mod tests;

/// Attributes of an event that are not labels.
const NOT_LABELS: &[&str] = &[
    "image",
    "name",
    "oldName",
    "exitCode",
    "execDuration",
    "containerExitCode",
    "podId",
];

/// Something happened to a container.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub(super) id: ContainerId,
    /// By the engine's clock.
    pub(super) at: Timestamp,
    pub(super) what: What,
    pub(super) name: Option<String>,
    pub(super) image: Option<String>,
    pub(super) labels: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum What {
    Created,
    Started,
    /// Died or was removed.
    Ended,
    /// Renamed, updated, or connected to a network.
    Changed,
    /// Left this network.
    Disconnected(String),
}

impl Event {
    pub(super) fn into_facts(self, engine: Arc<str>, runtime: Runtime) -> Facts {
        Facts {
            name: self.name,
            image: self.image,
            labels: self.labels,
            ..Facts::new(self.id, engine, runtime)
        }
    }
}

/// Only what changes a fact: health checks alone would send three events each. "died" and
/// "remove" are Podman's words.
pub(super) fn event_filters() -> HashMap<String, Vec<String>> {
    let list = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
    HashMap::from([
        ("type".to_owned(), list(&["container", "network"])),
        (
            "event".to_owned(),
            list(&[
                "create",
                "start",
                "die",
                "died",
                "destroy",
                "remove",
                "rename",
                "update",
                "connect",
                "disconnect",
            ]),
        ),
    ])
}

/// `None` for events that change no fact about a container.
pub(super) fn event(message: EventMessage) -> Option<Event> {
    let actor = message.actor?;
    let mut attributes = actor.attributes.unwrap_or_default();
    let at = message
        .time_nano
        .and_then(|nanos| Timestamp::from_nanosecond(nanos.into()).ok())
        .or_else(|| Timestamp::from_second(message.time?).ok())?;
    match message.typ? {
        EventMessageTypeEnum::CONTAINER => {
            let what = match message.action?.as_str() {
                "create" => What::Created,
                "start" => What::Started,
                "die" | "died" | "destroy" | "remove" => What::Ended,
                "rename" | "update" => What::Changed,
                _ => return None,
            };
            let name = attributes.get("name").map(|name| plain_name(name));
            let image = attributes.get("image").cloned();
            attributes.retain(|key, _| !NOT_LABELS.contains(&key.as_str()));
            Some(Event {
                id: ContainerId::new(&actor.id?),
                at,
                what,
                name,
                image,
                labels: Some(attributes.into_iter().collect()),
            })
        }
        EventMessageTypeEnum::NETWORK => {
            let network = attributes.remove("name")?;
            let what = match message.action?.as_str() {
                "connect" => What::Changed,
                "disconnect" => What::Disconnected(network),
                _ => return None,
            };
            Some(Event {
                id: ContainerId::new(attributes.get("container")?),
                at,
                what,
                name: None,
                image: None,
                labels: None,
            })
        }
        _ => None,
    }
}

/// One container of the engine's list.
pub(super) fn summary(
    summary: ContainerSummary,
    engine: &Arc<str>,
    runtime: Runtime,
) -> Option<Facts> {
    let mut facts = Facts::new(ContainerId::new(&summary.id?), Arc::clone(engine), runtime);
    // A linked container is listed under its links' names too, as /web/db.
    facts.name = summary
        .names
        .unwrap_or_default()
        .iter()
        .map(|name| plain_name(name))
        .find(|name| !name.contains('/'));
    facts.image = summary.image;
    facts.labels = Some(summary.labels.unwrap_or_default().into_iter().collect());
    facts.network_mode = summary
        .host_config
        .and_then(|h| network_mode(h.network_mode));
    facts.life = summary.state.map(|state| match state {
        ContainerSummaryStateEnum::CREATED => Life::Created,
        ContainerSummaryStateEnum::RUNNING | ContainerSummaryStateEnum::PAUSED => Life::Running,
        _ => Life::Ended,
    });
    if facts.life == Some(Life::Running) {
        facts.networks = summary.network_settings.map(|s| attachments(s.networks));
    }
    Some(facts)
}

/// The engine's answer to an inspection.
pub(super) fn inspection(
    answer: ContainerInspectResponse,
    engine: &Arc<str>,
    runtime: Runtime,
) -> Option<Facts> {
    let mut facts = Facts::new(ContainerId::new(&answer.id?), Arc::clone(engine), runtime);
    facts.name = answer.name.as_deref().map(plain_name);
    if let Some(config) = answer.config {
        facts.image = config.image;
        facts.labels = Some(config.labels.unwrap_or_default().into_iter().collect());
    }
    facts.network_mode = answer
        .host_config
        .and_then(|h| network_mode(h.network_mode));
    if let Some(state) = answer.state {
        facts.life = Some(life(&state));
        facts.pid = state
            .pid
            .and_then(|pid| u32::try_from(pid).ok())
            .filter(|&pid| pid > 0);
        facts.started = time(state.started_at.as_deref());
        facts.finished = time(state.finished_at.as_deref());
    }
    if facts.life != Some(Life::Ended) {
        let settings: Option<NetworkSettings> = answer.network_settings;
        facts.networks = settings.map(|s| attachments(s.networks));
    }
    Some(facts)
}

/// What the engine at the other end runs containers with.
pub(super) fn runtime(version: &SystemVersion) -> Runtime {
    let podman = version
        .components
        .iter()
        .flatten()
        .any(|component| component.name.contains("Podman"));
    if podman {
        Runtime::Podman
    } else {
        Runtime::Docker
    }
}

fn plain_name(name: &str) -> String {
    name.strip_prefix('/').unwrap_or(name).to_owned()
}

fn life(state: &ContainerState) -> Life {
    use bollard::models::ContainerStateStatusEnum as Status;
    match state.status {
        Some(Status::CREATED) => Life::Created,
        _ if state.running == Some(true) => Life::Running,
        _ => Life::Ended,
    }
}

fn network_mode(mode: Option<String>) -> Option<NetworkMode> {
    let mode = mode.filter(|mode| !mode.is_empty())?;
    Some(match mode.split_once(':') {
        Some(("container", other)) => NetworkMode::Of(other.into()),
        _ if mode == "host" => NetworkMode::Host,
        _ => NetworkMode::Own,
    })
}

fn attachments(networks: Option<HashMap<String, EndpointSettings>>) -> Vec<Attachment> {
    let mut attachments: Vec<Attachment> = networks
        .unwrap_or_default()
        .into_iter()
        .map(|(network, endpoint)| Attachment {
            network,
            addresses: [endpoint.ip_address, endpoint.global_ipv6_address]
                .into_iter()
                .flatten()
                .filter_map(|address| address.parse::<IpAddr>().ok())
                .collect(),
        })
        .collect();
    attachments.sort_by(|a, b| a.network.cmp(&b.network));
    attachments
}

/// The engine writes year 1 for "never".
fn time(text: Option<&str>) -> Option<Timestamp> {
    text?
        .parse()
        .ok()
        .filter(|at: &Timestamp| at.as_second() > 0)
}
