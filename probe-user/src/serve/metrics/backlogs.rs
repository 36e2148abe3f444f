//! Containers' listeners that had no room for a connection.

use std::collections::BTreeMap;

use super::{
    family::{Families, Kind},
    series::{Labels, Series},
};
use crate::{identity::Workload, serve::news::Published};

/// Writes all series; how many listeners went into "other".
pub(super) fn write(to: &mut Families, published: &Published, series: &Series) -> usize {
    let mut folded = 0;
    let mut sums: BTreeMap<Labels, u64> = BTreeMap::new();
    for backlog in &published.backlogs {
        let Workload::Container(container) = &backlog.workload else {
            continue;
        };
        let mut labels = Labels {
            port: Some(backlog.port),
            ..Labels::of(container)
        };
        if !series.admits(&labels) {
            folded += 1;
            labels = Labels::other();
        }
        let sum = sums.entry(labels).or_default();
        *sum = sum.saturating_add(backlog.overflows);
    }
    let mut metric = to.metric(
        "container_net_tcp_listen_overflows_total",
        Kind::Counter,
        "Times that the container turned a connection away because a listener's backlog was full.",
    );
    for (labels, overflows) in &sums {
        let port = labels.port.map(|port| port.to_string());
        let port = ("port", port.as_deref().unwrap_or("other"));
        let [container, id, task, service] = labels.of_container();
        metric.sample(&[container, id, task, service, port], *overflows);
    }
    folded
}
