//! Listeners whose backlog was full. Whom they turned away they never knew: so this is the node's,
//! and on no edge.

use std::{collections::BTreeMap, sync::Arc};

use super::{Ledger, Listener};
use crate::{
    identity::Workload,
    kernel::flows::{Flow, Role},
};

/// How often each TCP port of a node has turned somebody away; one that never did is left out.
pub type Overflows = BTreeMap<u16, u64>;

/// A listener that has turned connections away.
#[derive(Clone, Debug, PartialEq)]
pub struct Backlog {
    /// Who listens.
    pub workload: Workload,
    /// As the kernel names it.
    pub flow: Arc<Flow>,
    /// The port.
    pub port: u16,
    /// How often; a client that tries again is counted again.
    pub overflows: u64,
    /// Nothing was heard of it for long.
    pub idle: bool,
}

/// Those in the ledger, each once.
#[must_use]
pub fn backlogs(ledger: &Ledger) -> Vec<Backlog> {
    let listeners = ledger
        .rows()
        .filter(|(_, record)| record.flow.role == Role::Listener);
    let full = listeners.filter_map(|(_, record)| {
        let overflows = record.counts.health.overflows;
        Some(Backlog {
            workload: record.workload.clone(),
            flow: Arc::clone(&record.flow),
            port: Listener::from(&record.flow.service).port()?,
            overflows: (overflows > 0).then_some(overflows)?,
            idle: record.idle,
        })
    });
    full.collect()
}

/// Adds up what two nodes, or two listeners, have turned away.
pub(super) fn add(all: &mut Overflows, more: &Overflows) {
    for (port, overflows) in more {
        let sum = all.entry(*port).or_default();
        *sum = sum.saturating_add(*overflows);
    }
}
