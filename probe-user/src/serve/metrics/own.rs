//! The agent's own metrics: what it costs, how full it is, what it lost.

use procfs::process::Process;

use super::{
    super::{Desk, news::Published},
    family::{Families, Kind},
};
use crate::topology::{Cause, Join};

const JOINS: [Join; 5] = [
    Join::Sequence,
    Join::Peer,
    Join::Tuple,
    Join::Proxy,
    Join::OneSided,
];

/// Writes them all. `folded` conversations are in "other".
pub(super) fn write(to: &mut Families, desk: &Desk, published: &Published, folded: usize) {
    about(to, desk);
    process(to);
    loop_(to, desk);
    losses(to, published);
    completeness(to, published);
    graph(to, published);
    server(to, desk, folded);
}

fn about(to: &mut Families, desk: &Desk) {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    to.metric("probe_build_info", Kind::Gauge, "Always 1; what runs here.")
        .sample(
            &[
                ("version", env!("CARGO_PKG_VERSION")),
                ("kernel", release.trim()),
            ],
            1_u8,
        );
    to.metric(
        "probe_start_time_seconds",
        Kind::Gauge,
        "When the programs were attached, since the epoch.",
    )
    .is(u64::try_from(desk.news.vitals().started.as_second()).unwrap_or_default());
    to.metric(
        "probe_programs_attached",
        Kind::Gauge,
        "Kernel programs attached.",
    )
    .is(desk.about.programs.len());
}

/// Under the names that every exporter has.
fn process(to: &mut Families) {
    let Ok(process) = Process::myself() else {
        return;
    };
    if let Ok(stat) = process.stat() {
        let ticks = procfs::ticks_per_second();
        #[expect(clippy::cast_precision_loss, reason = "exact for 2.8 million years")]
        let seconds = (stat.utime + stat.stime) as f64 / ticks as f64;
        to.metric(
            "process_cpu_seconds_total",
            Kind::Counter,
            "CPU time of the agent.",
        )
        .is(seconds);
        to.metric(
            "process_resident_memory_bytes",
            Kind::Gauge,
            "Memory of the agent.",
        )
        .is(stat.rss * procfs::page_size());
    }
    if let Ok(open) = process.fd_count() {
        to.metric(
            "process_open_fds",
            Kind::Gauge,
            "Open descriptors of the agent.",
        )
        .is(open);
    }
}

fn loop_(to: &mut Families, desk: &Desk) {
    let vitals = desk.news.vitals();
    to.metric("probe_ticks_total", Kind::Counter, "Looks at the flow map.")
        .is(vitals.ticks);
    to.metric(
        "probe_tick_seconds_total",
        Kind::Counter,
        "Time that they took.",
    )
    .is(vitals.ticking.as_secs_f64());
    to.metric(
        "probe_last_tick_seconds",
        Kind::Gauge,
        "Time that the latest took.",
    )
    .is(vitals.last_tick.as_secs_f64());
    to.metric(
        "probe_late_ticks_total",
        Kind::Counter,
        "Looks that did without open sockets, as descriptors had run out.",
    )
    .is(vitals.late_ticks);
    to.metric("probe_flows", Kind::Gauge, "Flows in the kernel's table.")
        .is(vitals.flows);
    to.metric("probe_flows_known", Kind::Gauge, "Flows since the start.")
        .is(vitals.flows_known);
    to.metric(
        "probe_flows_limit",
        Kind::Gauge,
        "Flows that either has room for.",
    )
    .is(vitals.max_flows);
    to.metric(
        "probe_records_total",
        Kind::Counter,
        "Records of processes and cgroups.",
    )
    .is(vitals.records);
    to.metric(
        "probe_engine_up",
        Kind::Gauge,
        "Whether every container engine answers.",
    )
    .is(u8::from(vitals.engine_trouble.is_none()));
    let directory = desk.directory.counts();
    to.metric(
        "probe_containers",
        Kind::Gauge,
        "Containers known, those just ended included.",
    )
    .is(directory.containers);
    to.metric(
        "probe_cgroups",
        Kind::Gauge,
        "Cgroups known, those just removed included.",
    )
    .is(directory.cgroups);
}

fn losses(to: &mut Families, published: &Published) {
    let mut metric = to.metric(
        "probe_losses_total",
        Kind::Counter,
        "What was seen and not kept, by cause: if all are 0, nothing was lost.",
    );
    for (cause, count) in published.snapshot.losses.by_cause() {
        metric.sample(&[("cause", cause)], count);
    }
}

fn completeness(to: &mut Families, published: &Published) {
    let Some(account) = &published.snapshot.completeness else {
        return;
    };
    to.metric(
        "probe_completeness_ratio",
        Kind::Gauge,
        "Share of connections that are whole, or of records that came if that is smaller.",
    )
    .is(account.share());
    to.metric(
        "probe_whole_connections",
        Kind::Gauge,
        "Connections that are whole, failed ones included.",
    )
    .is(account.whole);
    let mut metric = to.metric(
        "probe_incomplete_connections",
        Kind::Gauge,
        "Connections that are not whole, by the first cause.",
    );
    for cause in Cause::ALL {
        metric.sample(&[("cause", cause.as_str())], account.lost_to(cause));
    }
}

fn graph(to: &mut Families, published: &Published) {
    let graph = &published.snapshot.graph;
    to.metric("probe_nodes", Kind::Gauge, "Nodes of the graph.")
        .is(graph.nodes().count());
    to.metric("probe_edges", Kind::Gauge, "Edges of the graph.")
        .is(graph.edges().count());
    let mut metric = to.metric(
        "probe_incomplete_edges",
        Kind::Gauge,
        "Edges that may lack something, by reason: one may have several.",
    );
    for (gap, edges) in graph.gaps() {
        metric.sample(&[("reason", gap.as_str())], edges);
    }
    let mut metric = to.metric(
        "probe_joined_connections_total",
        Kind::Counter,
        "Connections, failed ones included, by what ties their ends together.",
    );
    for join in JOINS {
        let of = |joins: &std::collections::BTreeMap<Join, u64>| joins.get(&join).copied();
        let sum: u64 = graph
            .edges()
            .filter_map(|(_, _, edge)| of(&edge.joins))
            .sum();
        metric.sample(&[("evidence", join.as_str())], sum);
    }
}

fn server(to: &mut Families, desk: &Desk, folded: usize) {
    let counters = &desk.counters;
    to.metric(
        "probe_series_limit",
        Kind::Gauge,
        "Label sets that container metrics may have.",
    )
    .is(desk.series.limit());
    to.metric(
        "probe_series_folded",
        Kind::Gauge,
        "Conversations and listeners that are in other, as there are too many label sets.",
    )
    .is(folded);
    to.metric(
        "probe_http_requests_total",
        Kind::Counter,
        "Requests that came.",
    )
    .is(counters.requests.get());
    to.metric(
        "probe_http_slow_readers_total",
        Kind::Counter,
        "Readers of events that fell behind and were let go.",
    )
    .is(counters.slow_readers.get());
    let mut metric = to.metric(
        "probe_otlp_exports_total",
        Kind::Counter,
        "Pushes of metrics, by what became of them.",
    );
    metric.sample(&[("result", "taken")], counters.pushed.get());
    metric.sample(&[("result", "failed")], counters.not_pushed.get());
    let mut metric = to.metric(
        "probe_http_refused_total",
        Kind::Counter,
        "Requests and connections refused, by reason.",
    );
    for (reason, count) in [
        ("connections", &counters.too_many),
        ("handshake", &counters.no_handshake),
        ("certificate", &counters.no_certificate),
        ("host", &counters.foreign_host),
        ("origin", &counters.foreign_origin),
        ("token", &counters.no_token),
        ("scope", &counters.no_scope),
        ("body", &counters.bodies),
    ] {
        metric.sample(&[("reason", reason)], count.get());
    }
}
