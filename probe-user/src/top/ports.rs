//! Ports: a server and what it listens on, whoever its clients are.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    look::{Look, Talk},
    sheet::{Cell, Column, Line, Of, Show},
    traffic::Flowing,
};
use crate::kernel::flows::Counts;

/// In the order of [`lines`]. `in` is what the server receives.
#[rustfmt::skip]
pub const COLUMNS: [Column; 12] = [
    Column { key: "server", title: "SERVER", show: Show::Always },
    Column { key: "listener", title: "PORT", show: Show::Always },
    Column { key: "protocol", title: "PROTO", show: Show::Always },
    Column { key: "clients", title: "CLIENTS", show: Show::Always },
    Column { key: "open", title: "OPEN", show: Show::Always },
    Column { key: "opened", title: "CONN/s", show: Show::Always },
    Column { key: "in", title: "IN/s", show: Show::Always },
    Column { key: "out", title: "OUT/s", show: Show::Always },
    Column { key: "failed_total", title: "FAILED", show: Show::Wide },
    Column { key: "in_total", title: "IN", show: Show::Wide },
    Column { key: "out_total", title: "OUT", show: Show::Wide },
    Column { key: "rate", title: "BYTES/s", show: Show::Never },
];

#[derive(Default)]
struct Port<'a> {
    clients: BTreeSet<&'a str>,
    total: Counts,
    now: Flowing,
}

pub(super) fn lines(look: &Look<'_>) -> Vec<Line> {
    let mut ports: BTreeMap<_, (&Talk<'_>, Port<'_>)> = BTreeMap::new();
    for talk in &look.talks {
        let key = (talk.server.id.as_str(), &talk.edge.listener);
        let (_, port) = ports.entry(key).or_insert_with(|| (talk, Port::default()));
        port.clients.insert(talk.client.id.as_str());
        port.total += talk.edge.counts;
        port.now.recent += talk.now.recent;
        // The same for all edges of a look.
        port.now.time = talk.now.time;
    }
    ports
        .into_values()
        .map(|(talk, port)| line(talk, &port))
        .collect()
}

fn line(talk: &Talk<'_>, port: &Port<'_>) -> Line {
    let Port {
        clients,
        total,
        now,
    } = port;
    let listener = &talk.edge.listener;
    Line {
        of: Of::Other(format!("{} {listener}", talk.server.id)),
        cells: vec![
            Cell::text(talk.server.name()),
            Cell::text(listener.to_string()),
            Cell::text(listener.protocol()),
            Cell::Count(u64::try_from(clients.len()).ok()),
            Cell::Count(super::traffic::open(listener, total)),
            Cell::Frequency(now.rate(now.recent.opened)),
            Cell::Rate(now.rate(now.recent.bytes_sent)),
            Cell::Rate(now.rate(now.recent.bytes_received)),
            Cell::Count(Some(total.failed)),
            Cell::Bytes(Some(total.bytes_sent)),
            Cell::Bytes(Some(total.bytes_received)),
            Cell::Rate(now.both_ways()),
        ],
    }
}
