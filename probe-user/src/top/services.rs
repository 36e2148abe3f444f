//! Services: what their containers on this host use, together.

use std::collections::BTreeMap;

use super::{
    look::Look,
    sheet::{Cell, Column, Line, Of, Show},
    traffic::NetRates,
};
use crate::{identity::Container, usage::Reading};

const SWARM: &str = "com.docker.swarm.service.name";
const COMPOSE_PROJECT: &str = "com.docker.compose.project";
const COMPOSE_SERVICE: &str = "com.docker.compose.service";

/// In the order of [`lines`].
#[rustfmt::skip]
pub const COLUMNS: [Column; 10] = [
    Column { key: "service", title: "SERVICE", show: Show::Always },
    Column { key: "containers", title: "CONTAINERS", show: Show::Always },
    Column { key: "cpu", title: "CPU%", show: Show::Always },
    Column { key: "cpu_seconds", title: "CPU TIME", show: Show::Never },
    Column { key: "memory", title: "MEMORY", show: Show::Always },
    Column { key: "net_in", title: "NET IN/s", show: Show::Always },
    Column { key: "net_out", title: "NET OUT/s", show: Show::Always },
    Column { key: "connections", title: "CONNS", show: Show::Always },
    Column { key: "threads", title: "PIDS", show: Show::Always },
    Column { key: "oom_kills", title: "OOM", show: Show::Wide },
];

/// The service a container is of: ECS's, else Swarm's, else Compose's as `PROJECT/SERVICE`.
pub(super) fn of(container: &Container) -> Option<String> {
    let label = |key: &str| container.labels.get(key).map(String::as_str);
    if let Some(service) = container.service() {
        return Some(service.to_owned());
    }
    if let Some(service) = label(SWARM) {
        return Some(service.to_owned());
    }
    let (project, service) = (label(COMPOSE_PROJECT)?, label(COMPOSE_SERVICE)?);
    Some(format!("{project}/{service}"))
}

/// Containers of no service are together in a line of no name.
pub(super) fn lines(look: &Look<'_>) -> Vec<Line> {
    let mut services: BTreeMap<Option<String>, Vec<&Reading>> = BTreeMap::new();
    for reading in &look.readings {
        let service = of(&reading.container);
        services.entry(service).or_default().push(reading);
    }
    services
        .into_iter()
        .map(|(service, readings)| line(service, &readings, look))
        .collect()
}

fn line(service: Option<String>, readings: &[&Reading], look: &Look<'_>) -> Line {
    let mut net = NetRates::default();
    for reading in readings {
        net += look.net_of(&reading.container.id);
    }
    // A sum of what is not known is not known.
    let count = |figure: fn(&Reading) -> Option<u64>| -> Option<u64> {
        readings.iter().map(|reading| figure(reading)).sum()
    };
    let sum = |figure: fn(&Reading) -> Option<f64>| -> Option<f64> {
        readings.iter().map(|reading| figure(reading)).sum()
    };
    Line {
        of: Of::Other(service.clone().unwrap_or_default()),
        cells: vec![
            Cell::Text(service),
            Cell::Count(u64::try_from(readings.len()).ok()),
            Cell::Percent(sum(|reading| reading.cpu_percent)),
            Cell::Seconds(sum(|reading| Some(reading.usage.cpu?.as_secs_f64()))),
            Cell::Bytes(count(|reading| reading.usage.memory)),
            Cell::Rate(Some(net.received)),
            Cell::Rate(Some(net.sent)),
            Cell::Count(Some(net.open)),
            Cell::Count(count(|reading| reading.usage.threads)),
            Cell::Count(count(|reading| reading.usage.oom_kills)),
        ],
    }
}
