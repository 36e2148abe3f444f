//! Containers' connections, under the names and labels that Coroot's dashboards use.

use std::collections::BTreeMap;

use super::{
    family::{Families, Kind},
    series::{Labels, Series},
};
use crate::{
    identity::{Container, Workload},
    kernel::flows::Counts,
    serve::news::Published,
    topology::{Listener, join::Conversation},
};

/// One metric: its name, its kind, what it says, and where the figure is.
type Metric = (&'static str, Kind, &'static str, fn(&Counts) -> u64);

const METRICS: [Metric; 6] = [
    (
        "container_net_tcp_successful_connects_total",
        Kind::Counter,
        "Connections that the container established since watching began.",
        |counts| counts.opened,
    ),
    (
        "container_net_tcp_failed_connects_total",
        Kind::Counter,
        "Connects of the container that were refused or timed out.",
        |counts| counts.failed,
    ),
    (
        "container_net_tcp_active_connections",
        Kind::Gauge,
        "Connections of the container that stand now.",
        Counts::active,
    ),
    (
        "container_net_tcp_retransmits_total",
        Kind::Counter,
        "Segments that the container sent again.",
        |counts| counts.health.retransmits_sent,
    ),
    (
        "container_net_tcp_bytes_sent_total",
        Kind::Counter,
        "Payload that the container sent to the destination.",
        |counts| counts.bytes_sent,
    ),
    (
        "container_net_tcp_bytes_received_total",
        Kind::Counter,
        "Payload that the container received from the destination.",
        |counts| counts.bytes_received,
    ),
];

/// Writes all series; how many conversations went into "other".
pub(super) fn write(to: &mut Families, published: &Published, series: &Series) -> usize {
    let mut folded = 0;
    let mut sums: BTreeMap<Labels, Counts> = BTreeMap::new();
    for conversation in &published.conversations {
        let (Workload::Container(client), Listener::Tcp(_)) =
            (&conversation.source, &conversation.listener)
        else {
            continue;
        };
        let mut labels = labels(client, conversation);
        if !series.admits(&labels) {
            folded += 1;
            labels = Labels::other();
        }
        *sums.entry(labels).or_default() += conversation.counts;
    }
    for (name, kind, help, figure) in METRICS {
        let mut metric = to.metric(name, kind, help);
        for (labels, counts) in &sums {
            let address = |address: Option<std::net::SocketAddr>| {
                address.map_or_else(|| "other".to_owned(), |address| address.to_string())
            };
            let destination = address(labels.destination);
            let actual = address(labels.actual_destination);
            let [container, id, task, service] = labels.of_container();
            let labels = [
                container,
                id,
                task,
                service,
                ("destination", destination.as_str()),
                ("actual_destination", &actual),
            ];
            metric.sample(&labels, figure(counts));
        }
    }
    folded
}

fn labels(client: &Container, conversation: &Conversation) -> Labels {
    Labels {
        destination: conversation.asked,
        actual_destination: conversation.reached,
        ..Labels::of(client)
    }
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, sync::Arc};

    use jiff::Timestamp;

    use super::{super::series::TASK_LABEL, super::text::text, *};
    use crate::{
        identity::{ContainerId, layout::Runtime},
        kernel::{halves::Halves, losses::Losses},
        topology::{Graph, Join, Snapshot},
    };

    fn published(ports: std::ops::Range<u16>) -> Published {
        let mut web = Container::new(ContainerId::new(&"ab".repeat(32)), Runtime::Docker);
        web.name = Some("web".to_owned());
        let arn = "arn:aws:ecs:eu-west-1:1:task/shop/0123";
        web.labels.insert(TASK_LABEL.to_owned(), arn.to_owned());
        let web = Workload::Container(Arc::new(web));
        let conversations = ports.map(|port| Conversation {
            source: web.clone(),
            target: Workload::Host,
            listener: Listener::Tcp(port),
            asked: Some(SocketAddr::from(([10, 0, 0, 1], 80))),
            reached: Some(SocketAddr::from(([172, 17, 0, 2], port))),
            counts: Counts {
                opened: 3,
                closed: 1,
                failed: 2,
                bytes_sent: 108,
                bytes_received: 1000,
                ..Counts::default()
            },
            halves: Halves::default(),
            name: None,
            join: Join::Sequence,
            client: None,
            server: None,
            forward: None,
            idle: false,
        });
        Published {
            tick: 1,
            conversations: conversations.collect(),
            backlogs: Vec::new(),
            snapshot: Snapshot {
                seen: Vec::new(),
                started: Timestamp::UNIX_EPOCH,
                ended: Timestamp::UNIX_EPOCH,
                graph: Arc::new(Graph::default()),
                losses: Losses::default(),
                completeness: None,
            },
        }
    }

    #[test]
    fn an_edge_has_corots_names() {
        let mut to = Families::default();
        let folded = write(&mut to, &published(8080..8081), &Series::new(10));
        assert_eq!(folded, 0);
        insta::assert_snapshot!(text(&to), @r#"
        # HELP container_net_tcp_successful_connects_total Connections that the container established since watching began.
        # TYPE container_net_tcp_successful_connects_total counter
        container_net_tcp_successful_connects_total{container="web",container_id="abababababab",task="0123",destination="10.0.0.1:80",actual_destination="172.17.0.2:8080"} 3
        # HELP container_net_tcp_failed_connects_total Connects of the container that were refused or timed out.
        # TYPE container_net_tcp_failed_connects_total counter
        container_net_tcp_failed_connects_total{container="web",container_id="abababababab",task="0123",destination="10.0.0.1:80",actual_destination="172.17.0.2:8080"} 2
        # HELP container_net_tcp_active_connections Connections of the container that stand now.
        # TYPE container_net_tcp_active_connections gauge
        container_net_tcp_active_connections{container="web",container_id="abababababab",task="0123",destination="10.0.0.1:80",actual_destination="172.17.0.2:8080"} 2
        # HELP container_net_tcp_retransmits_total Segments that the container sent again.
        # TYPE container_net_tcp_retransmits_total counter
        container_net_tcp_retransmits_total{container="web",container_id="abababababab",task="0123",destination="10.0.0.1:80",actual_destination="172.17.0.2:8080"} 0
        # HELP container_net_tcp_bytes_sent_total Payload that the container sent to the destination.
        # TYPE container_net_tcp_bytes_sent_total counter
        container_net_tcp_bytes_sent_total{container="web",container_id="abababababab",task="0123",destination="10.0.0.1:80",actual_destination="172.17.0.2:8080"} 108
        # HELP container_net_tcp_bytes_received_total Payload that the container received from the destination.
        # TYPE container_net_tcp_bytes_received_total counter
        container_net_tcp_bytes_received_total{container="web",container_id="abababababab",task="0123",destination="10.0.0.1:80",actual_destination="172.17.0.2:8080"} 1000
        "#);
    }

    #[test]
    fn what_is_too_much_is_other_and_stays_so() {
        let series = Series::new(2);
        let written = |ports| {
            let mut to = Families::default();
            let folded = write(&mut to, &published(ports), &series);
            (folded, text(&to))
        };
        assert_eq!(written(0..2).0, 0);
        let (folded, text) = written(0..5);
        assert_eq!(folded, 3);
        let other = "container_net_tcp_bytes_sent_total{container=\"other\",\
            destination=\"other\",actual_destination=\"other\"} 324\n";
        assert!(text.contains(other), "{text}");
        assert_eq!(
            text.lines()
                .filter(|l| l.starts_with("container_net_tcp_bytes_sent"))
                .count(),
            3
        );
    }
}
