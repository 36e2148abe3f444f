//! The graph as a table, an edge a line.

use std::{collections::HashMap, time::Duration};

use comfy_table::{CellAlignment, Table, presets::NOTHING};

use super::{
    backlogs, completeness,
    units::{bytes, count},
};
use crate::{
    export::{Snapshot, text::cut},
    filter::{Filter, of::EdgeRecord},
    kernel::{flows::Counts, losses::Losses},
    topology::{EdgeKey, Gap, Gaps, Graph, Listener},
};

/// Characters of a name in the table: a long one must not push all others off the screen.
const WIDEST: usize = 80;

/// One edge, with what came in the latest interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The client.
    pub source: String,
    /// The server.
    pub target: String,
    /// What the server listens on.
    pub port: Listener,
    /// Since the start.
    pub total: Counts,
    /// Within the latest interval.
    pub recent: Counts,
    /// The evidence.
    pub join: &'static str,
    /// What it may lack.
    pub gaps: Gaps,
}

impl Row {
    /// Bytes in both directions within the interval.
    #[must_use]
    pub const fn recent_bytes(&self) -> u64 {
        self.recent
            .bytes_sent
            .saturating_add(self.recent.bytes_received)
    }
}

/// Turns graphs into rows, each graph against the one before.
#[derive(Debug, Default)]
pub struct Edges {
    before: HashMap<EdgeKey, Counts>,
    /// Which edges become rows, and the host's name for it.
    filter: Option<(Filter, String)>,
}

impl Edges {
    /// Only of edges that pass, on the host called `host`.
    #[must_use]
    pub fn filtered(filter: Option<Filter>, host: &str) -> Self {
        Self {
            before: HashMap::new(),
            filter: filter.map(|filter| (filter, host.to_owned())),
        }
    }

    /// Forgets the graphs before: all of the next one is recent.
    pub fn afresh(&mut self) -> &mut Self {
        self.before.clear();
        self
    }

    /// The graph's edges: those with the most traffic in the interval first, then those with the
    /// most since the start.
    pub fn rows(&mut self, graph: &Graph) -> Vec<Row> {
        // Those that have faded are remembered: they come back with all they had.
        let Self { before, filter } = self;
        let mut rows: Vec<Row> = graph
            .edges()
            .filter_map(|(source, target, edge)| {
                let key = EdgeKey {
                    source: source.id.clone(),
                    target: target.id.clone(),
                    listener: edge.listener.clone(),
                };
                let before = before.insert(key, edge.counts).unwrap_or_default();
                // Also of those left out: one that comes to pass has not just begun.
                if let Some((filter, host)) = filter
                    && !filter.matches(&EdgeRecord::new(source, target, edge, host))
                {
                    return None;
                }
                Some(Row {
                    source: source.name.clone(),
                    target: target.name.clone(),
                    port: edge.listener.clone(),
                    total: edge.counts,
                    recent: edge.counts.saturating_sub(before),
                    join: edge.join().as_str(),
                    gaps: edge.gaps,
                })
            })
            .collect();
        rows.sort_by_key(|row| {
            let total = row
                .total
                .bytes_sent
                .saturating_add(row.total.bytes_received);
            std::cmp::Reverse((row.recent_bytes(), row.recent.opened, total))
        });
        rows
    }
}

/// The whole graph since the start, for `probe graph -o table`. What edges may lack is a column if
/// any that is shown lacks something.
#[must_use]
pub fn table(snapshot: &Snapshot, limit: Option<usize>) -> String {
    let rows = Edges::default().rows(&snapshot.graph);
    let shown = limit.unwrap_or(rows.len());
    let incomplete = rows.iter().take(shown).any(|row| !gaps(row).is_empty());
    let mut table = Table::new();
    let mut header = vec![
        "CLIENT", "SERVER", "PORT", "CONNS", "FAILED", "SENT", "RECEIVED", "JOIN",
    ];
    header.extend(incomplete.then_some("MAY LACK"));
    table.load_preset(NOTHING).set_header(header);
    for row in rows.iter().take(shown) {
        let gaps = incomplete.then(|| gaps(row).to_string());
        let cells = [
            cut(&row.source, WIDEST).into_owned(),
            cut(&row.target, WIDEST).into_owned(),
            cut(&row.port.to_string(), WIDEST).into_owned(),
            row.total.opened.to_string(),
            row.total.failed.to_string(),
            bytes(row.total.bytes_sent),
            bytes(row.total.bytes_received),
            row.join.to_owned(),
        ];
        table.add_row(cells.into_iter().chain(gaps));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        if (2..=6).contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        column.set_padding((0, 2));
    }
    let mut lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    if rows.len() > shown {
        lines.push(format!("… and {} more", rows.len() - shown));
    }
    lines.extend(backlogs::lines(&snapshot.graph));
    lines.extend(losses(&snapshot.losses));
    lines.extend(snapshot.completeness.as_ref().and_then(completeness::line));
    lines.join("\n") + "\n"
}

/// What the row may lack of what the table shows: that is no calls.
fn gaps(row: &Row) -> Gaps {
    row.gaps.iter().filter(|gap| *gap != Gap::Calls).collect()
}

/// A sentence on what was lost, if anything was.
#[must_use]
pub fn losses(losses: &Losses) -> Option<String> {
    if *losses == Losses::default() {
        return None;
    }
    Some(format!(
        "incomplete: {} flows, {} sockets, {} records, {} counts, {} datagrams, {} names dropped, \
         {} runs missed",
        losses.flows_dropped,
        losses.sockets_dropped,
        losses.records_dropped,
        losses.counts_dropped,
        losses.datagrams_dropped,
        losses.names_dropped,
        losses.runs_missed
    ))
}

/// One line an edge that has news, for pipes.
#[must_use]
pub fn line(time: &str, row: &Row, interval: Duration) -> String {
    let Rates {
        opened,
        sent,
        received,
    } = Rates::of(row, interval);
    format!(
        "{time} {} -> {}:{} conns/s {opened} sent/s {sent} received/s {received} conns {} failed {} sent {} received {}",
        row.source,
        row.target,
        row.port,
        row.total.opened,
        row.total.failed,
        row.total.bytes_sent,
        row.total.bytes_received,
    )
}

/// A row's interval, a second's worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rates {
    /// Connections opened.
    pub opened: u64,
    /// Bytes from client to server.
    pub sent: u64,
    /// Bytes from server to client.
    pub received: u64,
}

impl Rates {
    /// Rounded to whole numbers.
    #[must_use]
    pub fn of(row: &Row, interval: Duration) -> Self {
        let millis = interval.as_millis().max(1);
        let rate = |number: u64| {
            let a_second = (u128::from(number) * 1000 + millis / 2) / millis;
            u64::try_from(a_second).unwrap_or(u64::MAX)
        };
        Self {
            opened: rate(row.recent.opened),
            sent: rate(row.recent.bytes_sent),
            received: rate(row.recent.bytes_received),
        }
    }
}

/// The cells of a live row, in the order of [`LIVE_HEADER`].
#[must_use]
pub fn live_cells(row: &Row, interval: Duration) -> [String; 9] {
    let Rates {
        opened,
        sent,
        received,
    } = Rates::of(row, interval);
    [
        row.source.clone(),
        row.target.clone(),
        row.port.to_string(),
        count(opened),
        bytes(sent),
        bytes(received),
        count(row.total.opened),
        bytes(row.total.bytes_sent),
        bytes(row.total.bytes_received),
    ]
}

/// Titles of the live table.
pub const LIVE_HEADER: [&str; 9] = [
    "CLIENT", "SERVER", "PORT", "CONN/s", "SENT/s", "RECV/s", "CONNS", "SENT", "RECEIVED",
];
