//! What the document says of what was not kept.

use serde::{Deserialize, Serialize};

use crate::kernel::losses;

/// What was seen and not kept: all zero means that the graph is whole.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub(super) struct Losses {
    /// Sockets that found the flow table full: their traffic is on edges to `unknown`.
    flows_dropped: u64,
    /// Sockets that could not be remembered.
    sockets_dropped: u64,
    /// Records that found the ring full.
    records_dropped: u64,
    /// Counts that could not be kept.
    counts_dropped: u64,
    /// Datagrams whose other end could not be known.
    datagrams_dropped: u64,
    /// Name servers' answers, or addresses in them, for which there was no room.
    names_dropped: u64,
    /// Runs of a kernel program that were left out, as it would have interrupted itself. Connections and
    /// bytes are made up for; a reset, a time to connect or a lifetime may be missing.
    runs_missed: u64,
}

impl From<losses::Losses> for Losses {
    fn from(losses: losses::Losses) -> Self {
        Self {
            flows_dropped: losses.flows_dropped,
            sockets_dropped: losses.sockets_dropped,
            records_dropped: losses.records_dropped,
            counts_dropped: losses.counts_dropped,
            datagrams_dropped: losses.datagrams_dropped,
            names_dropped: losses.names_dropped,
            runs_missed: losses.runs_missed,
        }
    }
}

impl From<Losses> for losses::Losses {
    fn from(losses: Losses) -> Self {
        Self {
            flows_dropped: losses.flows_dropped,
            sockets_dropped: losses.sockets_dropped,
            records_dropped: losses.records_dropped,
            counts_dropped: losses.counts_dropped,
            datagrams_dropped: losses.datagrams_dropped,
            names_dropped: losses.names_dropped,
            runs_missed: losses.runs_missed,
        }
    }
}
