//! A graph with what one must know to read it: what is printed, saved, read back and compared.

use std::{net::IpAddr, sync::Arc};

use jiff::Timestamp;

use super::{Completeness, Graph};
use crate::kernel::losses::Losses;

/// A host that a graph was seen from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen {
    /// Its name.
    pub host: String,
    /// Its interfaces' addresses, loopback left out; empty when not known.
    pub addresses: Vec<IpAddr>,
}

/// A graph of one time span. It never changes, and a clone of it costs no more than its header.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// From where it was seen: one host, or several whose graphs were merged.
    pub seen: Vec<Seen>,
    /// When watching began, at the earliest of the hosts.
    pub started: Timestamp,
    /// When the graph was taken, at the latest of the hosts.
    pub ended: Timestamp,
    /// Who talked to whom.
    pub graph: Arc<Graph>,
    /// What was seen and not kept.
    pub losses: Losses,
    /// How much of all there was it accounts for, of the whole host, whatever part of the graph is
    /// here; `None` of a saved one that does not say.
    pub completeness: Option<Completeness>,
}

impl Snapshot {
    /// The host's name, several with commas between.
    #[must_use]
    pub fn host(&self) -> String {
        let names: Vec<_> = self.seen.iter().map(|seen| seen.host.as_str()).collect();
        names.join(", ")
    }
}
