//! The edges as comma-separated values (RFC 4180, lines end with a line feed), names as they are.
//!
//! A spreadsheet may take a name that begins with `=` for a formula: import the columns as text.

use std::io;

use super::Snapshot;

const HEADER: [&str; 18] = [
    "source",
    "source_name",
    "source_kind",
    "target",
    "target_name",
    "target_kind",
    "protocol",
    "listener",
    "connections_existing",
    "connections_opened",
    "connections_closed",
    "connections_failed",
    "bytes_sent",
    "bytes_received",
    "sends",
    "receives",
    "join",
    "gaps",
];

/// Writes a header and a line for each edge. `listener` is a port or a unix socket's path.
pub fn write(snapshot: &Snapshot, out: &mut impl io::Write) -> io::Result<()> {
    let mut csv = ::csv::Writer::from_writer(out);
    csv.write_record(HEADER)?;
    for (source, target, edge) in snapshot.graph.edges() {
        let counts = edge.counts;
        let port = edge.listener.port().map(|port| port.to_string());
        let listener = port.as_deref().or(edge.listener.path()).unwrap_or_default();
        let names = [
            source.id.as_str(),
            &source.name,
            source.kind.as_str(),
            target.id.as_str(),
            &target.name,
            target.kind.as_str(),
            edge.listener.protocol(),
            listener,
        ];
        let numbers = [
            Some(counts.existing),
            Some(counts.opened),
            Some(counts.closed),
            Some(counts.failed),
            Some(counts.bytes_sent),
            Some(counts.bytes_received),
            edge.counts_calls().then_some(counts.sends),
            edge.counts_calls().then_some(counts.receives),
        ];
        for name in names {
            csv.write_field(name)?;
        }
        for number in numbers {
            csv.write_field(number.map_or_else(String::new, |number| number.to_string()))?;
        }
        csv.write_field(edge.join().as_str())?;
        csv.write_field(edge.gaps.to_string())?;
        csv.write_record(None::<&[u8]>)?;
    }
    csv.flush()
}
