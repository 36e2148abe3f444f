//! Ties the two ends of conversations together.
//!
//! The kernel side has matched most of them already, connection by connection, by their sequence
//! numbers: a server's flow names its client's. What is left is joined by address, or stays
//! one-sided. Each end counts on its own, so an edge takes its figures from one of them only.

use std::{collections::HashSet, net::SocketAddr, sync::Arc};

use super::{
    ledger::{Ledger, Record},
    listener::Listener,
    servers::{Asked, Servers, client_of},
};
use crate::{
    identity::{Forward, Workload, Workloads},
    kernel::{
        flows::{Counts, Flow, Role},
        halves::Halves,
    },
};

/// What an edge rests on, strongest first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Join {
    /// Both ends' sequence numbers matched when the connection was established; survives NAT.
    Sequence,
    /// A unix socket's other end is one pointer away.
    Peer,
    /// Addresses and port fit, within one network namespace or by a container's address.
    Tuple,
    /// A proxy between them is left out: its command line says to whom it forwards.
    Proxy,
    /// Only one end is on this host.
    OneSided,
}

impl Join {
    /// The word that stands for it in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sequence => "sequence",
            Self::Peer => "peer",
            Self::Tuple => "tuple",
            Self::Proxy => "proxy",
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
    /// What the server itself listens on.
    pub listener: Listener,
    /// Where the connections went, as the client asked for it; `None` for what has no address.
    pub asked: Option<SocketAddr>,
    /// Where they came out, as the server says; the same unless something translated it.
    pub reached: Option<SocketAddr>,
    /// What was counted.
    pub counts: Counts,
    /// Some of its connections, if they were not joined.
    pub halves: Halves,
    /// What the client has looked up to find a target that is elsewhere.
    pub name: Option<Arc<str>>,
    /// Why we say so.
    pub join: Join,
    /// The client's end, if it was seen.
    pub client: Option<Arc<Flow>>,
    /// The server's end, if it was seen.
    pub server: Option<Arc<Flow>>,
    /// Where the target passes on what it accepts, if it is a proxy that says so.
    pub forward: Option<Forward>,
    /// Nothing was heard of it for long.
    pub idle: bool,
}

/// Every conversation in the ledger, each counted once.
#[must_use]
pub fn join(ledger: &Ledger, workloads: &impl Workloads) -> Vec<Conversation> {
    let mut servers = Servers::default();
    let mut clients = Vec::new();
    let mut asked = Asked::default();
    let mut joined = Vec::with_capacity(ledger.len());
    for (row, record) in ledger.rows() {
        match record.flow.role {
            Role::Client => clients.push((row, record)),
            Role::Server => servers.add(record),
            Role::Other => joined.push(Conversation::between(
                &record.workload,
                &Workload::Unknown,
                record,
                Join::OneSided,
            )),
            Role::Listener => {}
        }
    }
    for (row, client) in clients {
        if let Some(servers) = servers.matched.get(&row) {
            by_sequence(client, servers, &mut joined);
        } else {
            joined.push(servers.find(client, workloads));
            asked.add(&client.flow);
        }
    }
    from_outside(&servers, &asked, workloads, &mut joined);
    // Outside of the window there is no traffic to speak of.
    if ledger.has_window() {
        joined.retain(|conversation| !conversation.counts.is_zero());
    }
    joined
}

impl Conversation {
    /// As `record` counts it.
    fn between(source: &Workload, target: &Workload, record: &Record, join: Join) -> Self {
        let server = record.flow.role == Role::Server;
        let (client, server) = match Some(Arc::clone(&record.flow)) {
            flow if server => (None, flow),
            flow => (flow, None),
        };
        Self {
            source: source.clone(),
            target: target.clone(),
            listener: Listener::from(&record.flow.service),
            asked: record.flow.asked(),
            reached: record.flow.asked(),
            counts: record.counts,
            halves: record.halves.clone(),
            name: record.name.clone(),
            join,
            client,
            server,
            forward: record.forward,
            idle: record.idle,
        }
    }
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
        let (source, target) = (&client.workload, &server.workload);
        joined.push(Conversation {
            counts,
            client: Some(Arc::clone(&client.flow)),
            asked: client.flow.asked(),
            ..Conversation::between(source, target, server, Join::Sequence)
        });
    }
    let added = &mut joined[first..];
    if let [only] = added {
        let seen_there = only.counts.health.retransmits_received;
        only.counts = client.counts;
        only.counts.health.retransmits_received = seen_there;
        only.idle &= client.idle;
    } else if let Some(busiest) = added
        .iter_mut()
        .max_by_key(|conversation| conversation.counts.connections())
    {
        busiest.counts += rest;
    }
}

/// Servers that no client's view accounts for: their clients are elsewhere, or not to be known.
fn from_outside<'a>(
    servers: &Servers<'a>,
    asked: &Asked<'a>,
    workloads: &impl Workloads,
    joined: &mut Vec<Conversation>,
) {
    let mut strangers = servers.unmatched.clone();
    strangers.retain(|server| !server.counts.is_zero() && !asked.covers(server));
    if strangers.is_empty() {
        return;
    }
    let strangers: Vec<_> = {
        let seen: HashSet<_> = joined
            .iter()
            .map(|seen| (seen.source.who(), seen.target.who(), &seen.listener))
            .collect();
        let stranger = |server: &'a Record| {
            let (source, join) = client_of(server, workloads);
            let listener = Listener::from(&server.flow.service);
            let known = seen.contains(&(source.who(), server.workload.who(), &listener));
            (!known).then_some((server, source, join))
        };
        strangers.into_iter().filter_map(stranger).collect()
    };
    for (server, source, join) in strangers {
        joined.push(Conversation {
            counts: server.counts.mirrored(),
            ..Conversation::between(&source, &server.workload, server, join)
        });
    }
}

#[cfg(test)]
mod tests;
