//! Connections: who talks to whom, an edge of the graph a line.

use super::{
    look::{Look, Talk},
    sheet::{Cell, Column, Line, Of, Show},
    traffic::open,
};
use crate::topology::EdgeKey;

/// In the order of [`lines`].
#[rustfmt::skip]
pub const COLUMNS: [Column; 14] = [
    Column { key: "client", title: "CLIENT", show: Show::Always },
    Column { key: "server", title: "SERVER", show: Show::Always },
    Column { key: "listener", title: "PORT", show: Show::Always },
    Column { key: "protocol", title: "PROTO", show: Show::Wide },
    Column { key: "open", title: "OPEN", show: Show::Always },
    Column { key: "opened", title: "CONN/s", show: Show::Always },
    Column { key: "sent", title: "SENT/s", show: Show::Always },
    Column { key: "received", title: "RECV/s", show: Show::Always },
    Column { key: "opened_total", title: "CONNS", show: Show::Wide },
    Column { key: "failed_total", title: "FAILED", show: Show::Wide },
    Column { key: "sent_total", title: "SENT", show: Show::Wide },
    Column { key: "received_total", title: "RECEIVED", show: Show::Wide },
    Column { key: "join", title: "JOIN", show: Show::Wide },
    Column { key: "rate", title: "BYTES/s", show: Show::Never },
];

pub(super) fn lines(look: &Look<'_>) -> Vec<Line> {
    look.talks.iter().map(line).collect()
}

fn line(talk: &Talk<'_>) -> Line {
    let Talk {
        client,
        server,
        edge,
        now,
    } = talk;
    let total = &edge.counts;
    Line {
        of: Of::Connection(EdgeKey {
            source: client.id.clone(),
            target: server.id.clone(),
            listener: edge.listener.clone(),
        }),
        cells: vec![
            Cell::text(client.name()),
            Cell::text(server.name()),
            Cell::text(edge.listener.to_string()),
            Cell::text(edge.listener.protocol()),
            Cell::Count(open(&edge.listener, total)),
            Cell::Frequency(now.rate(now.recent.opened)),
            Cell::Rate(now.rate(now.recent.bytes_sent)),
            Cell::Rate(now.rate(now.recent.bytes_received)),
            Cell::Count(Some(total.opened)),
            Cell::Count(Some(total.failed)),
            Cell::Bytes(Some(total.bytes_sent)),
            Cell::Bytes(Some(total.bytes_received)),
            Cell::text(edge.join().as_str()),
            Cell::Rate(now.both_ways()),
        ],
    }
}
