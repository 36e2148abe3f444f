//! Ties the two ends of conversations together.
//!
//! The kernel side has matched most of them already, connection by connection, by their sequence
//! numbers: a server's flow names its client's. What is left is joined by address, or stays
//! one-sided. Each end counts on its own, so an edge takes its figures from one of them only.

use std::{collections::HashMap, net::IpAddr};

use super::ledger::{Ledger, Record, Row};
use crate::{
    identity::{Workload, Workloads},
    ids::NetNs,
    kernel::flows::{Counts, Role},
};

/// What an edge rests on, strongest first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Join {
    /// Both ends' sequence numbers matched when the connection was established; survives NAT.
    Sequence,
    /// Addresses and port fit, within one network namespace or by a container's address.
    Tuple,
    /// Only one end is on this host.
    OneSided,
}

impl Join {
    /// The word that stands for it in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sequence => "sequence",
            Self::Tuple => "tuple",
            Self::OneSided => "one-sided",
        }
    }
}

/// One client's connections to one server, seen from the client.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// Who opened the connections.
    pub source: Workload,
    /// Who accepted them, or would have.
    pub target: Workload,
    /// The server's own port.
    pub port: u16,
    /// What was counted.
    pub counts: Counts,
    /// Why we say so.
    pub join: Join,
}

/// Address and port, and for a loopback address the network namespace it means.
type Endpoint = (IpAddr, u16, Option<NetNs>);

fn endpoint(address: IpAddr, port: u16, netns: NetNs) -> Endpoint {
    (address, port, address.is_loopback().then_some(netns))
}

/// Every conversation in the ledger, each counted once.
#[must_use]
pub fn join(ledger: &Ledger, workloads: &impl Workloads) -> Vec<Conversation> {
    let mut servers_of: HashMap<Row, Vec<&Record>> = HashMap::new();
    let mut unmatched: HashMap<Endpoint, Vec<(Row, &Record)>> = HashMap::new();
    let mut clients = Vec::new();
    for (row, record) in ledger.rows() {
        match (record.flow.role, record.peer) {
            (Role::Client, _) => clients.push((row, record)),
            (Role::Server, Some(client)) => servers_of.entry(client).or_default().push(record),
            (Role::Server, None) => {
                let flow = &record.flow;
                let own = endpoint(flow.local, flow.port, flow.netns);
                unmatched.entry(own).or_default().push((row, record));
            }
        }
    }
    let mut joined = Vec::new();
    for (row, client) in clients {
        match servers_of.get(&row) {
            Some(servers) => by_sequence(client, servers, &mut joined),
            None => joined.push(by_address(client, &mut unmatched, workloads)),
        }
    }
    for (_, server) in unmatched.into_values().flatten() {
        if !server.counts.is_zero() {
            joined.push(from_outside(server, workloads));
        }
    }
    joined
}

/// One server: the client's own figures. Several, behind one address: each server's figures, which
/// only it can tell apart, and what they do not account for yet goes to the busiest, so that the
/// edges add up to what the client counted.
fn by_sequence(client: &Record, servers: &[&Record], joined: &mut Vec<Conversation>) {
    let first = joined.len();
    let mut rest = client.counts;
    for server in servers {
        let counts = server.counts.mirrored();
        rest = rest.saturating_sub(counts);
        joined.push(Conversation {
            source: client.workload.clone(),
            target: server.workload.clone(),
            port: server.flow.port,
            counts,
            join: Join::Sequence,
        });
    }
    let added = &mut joined[first..];
    if let [only] = added {
        only.counts = client.counts;
    } else if let Some(busiest) = added
        .iter_mut()
        .max_by_key(|conversation| conversation.counts.connections())
    {
        busiest.counts += rest;
    }
}

/// No server's sequence numbers matched: it is elsewhere, or refused, or its half was lost.
fn by_address(
    client: &Record,
    unmatched: &mut HashMap<Endpoint, Vec<(Row, &Record)>>,
    workloads: &impl Workloads,
) -> Conversation {
    let flow = &client.flow;
    let asked = endpoint(flow.remote, flow.port, flow.netns);
    let found = unmatched.get_mut(&asked).and_then(|servers| {
        let place = servers
            .iter()
            .position(|(_, server)| server.flow.remote == flow.local)?;
        Some(servers.swap_remove(place).1)
    });
    let (target, join) = match found {
        Some(server) => (server.workload.clone(), Join::Tuple),
        None => match (flow.remote.is_loopback(), &client.workload) {
            (true, own @ Workload::Container(_)) => (own.clone(), Join::Tuple),
            _ => match workloads.at(flow.remote) {
                elsewhere @ Workload::External(_) => (elsewhere, Join::OneSided),
                here => (here, Join::Tuple),
            },
        },
    };
    Conversation {
        source: client.workload.clone(),
        target,
        port: flow.port,
        counts: client.counts,
        join,
    }
}

/// A server whose clients are not seen on this host.
fn from_outside(server: &Record, workloads: &impl Workloads) -> Conversation {
    let (source, join) = match workloads.at(server.flow.remote) {
        elsewhere @ Workload::External(_) => (elsewhere, Join::OneSided),
        here => (here, Join::Tuple),
    };
    Conversation {
        source,
        target: server.workload.clone(),
        port: server.flow.port,
        counts: server.counts.mirrored(),
        join,
    }
}
