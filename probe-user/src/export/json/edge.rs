//! Who talks to whom, in the document and back.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::{alike::alike, health::Health, read::ReadError};
use crate::{
    kernel::{flows::Counts, halves::Halves},
    topology::{self, Gaps, Listener, NodeId},
};

/// How the source reaches the target.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum Protocol {
    /// Has a port.
    Tcp,
    /// Has a port.
    Udp,
    /// Has a path.
    Unix,
    /// Several, of connections that found no room to be told apart; has neither.
    Other,
}

/// What an edge rests on, strongest first.
#[derive(Clone, Copy, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Join {
    /// Both ends' sequence numbers matched.
    Sequence,
    /// The kernel names the other end of a unix socket.
    Peer,
    /// Addresses and port fit.
    Tuple,
    /// A proxy between them is left out: its command line says to whom it forwards.
    Proxy,
    /// Only one end was seen.
    OneSided,
}

/// Why an edge may not tell all there is to know.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Gap {
    /// An end found the flow table full, and is on an edge to `unknown` as well or instead.
    Map,
    /// The source is on a host that is watched, and its end was not seen.
    SourceUnseen,
    /// The target is on a host that is watched, and its end was not seen.
    TargetUnseen,
    /// An end has no name: no container engine has told it.
    Identity,
    /// An end is a container, and an engine did not answer: its name may be old.
    Engine,
    /// An end is an ECS task that was not described, or whose service is overdue.
    Ecs,
    /// Calls are not counted on this kernel.
    Calls,
    /// Some of its connections stood when watching began: their bytes count from then on.
    Existing,
}

/// One node talks to another on one port. Counts are the source's: it opened the connections.
#[derive(Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::export) struct Edge<'a> {
    /// The id of the node that opened the connections.
    #[serde(borrow)]
    source: Cow<'a, str>,
    /// The id of the node that accepted them, or would have.
    #[serde(borrow)]
    target: Cow<'a, str>,
    /// How.
    protocol: Protocol,
    /// The port the target itself listens on, also behind NAT; of TCP and UDP alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// The path the target listens on, of unix sockets alone.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    path: Option<Cow<'a, str>>,
    /// Connections that stood when watching began.
    #[serde(default)]
    connections_existing: u64,
    /// Connections established since. Of UDP and unix sockets: of a socket, the first datagram to a
    /// peer, or its first call.
    connections_opened: u64,
    /// Connections ended; null for what is not TCP, where the kernel does not tell.
    connections_closed: Option<u64>,
    /// Connects that failed.
    connections_failed: u64,
    /// Payload from source to target, in bytes.
    bytes_sent: u64,
    /// Payload from target to source, in bytes.
    bytes_received: u64,
    /// The source's send calls that moved payload; null where the kernel cannot tell.
    #[serde(default)]
    sends: Option<u64>,
    /// The source's receive calls that moved payload; null where the kernel cannot tell.
    #[serde(default)]
    receives: Option<u64>,
    /// How TCP fared; of TCP alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tcp: Option<Health>,
    /// The evidence most of its connections rest on.
    join: Join,
    /// How many connections, failed ones included, rest on which evidence.
    #[serde(default)]
    joins: BTreeMap<Join, u64>,
    /// Some of its connections with an external node, each by the first sequence number of its
    /// client and that of its server, as 16 hexadecimal digits. The other end's host, if it is
    /// watched, has the same: so merged graphs find both ends behind any NAT.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    halves: Vec<String>,
    /// What it may lack; left out when that is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<Gap>,
}

alike! {
    Join: Sequence Peer Tuple Proxy OneSided;
    Gap: Map SourceUnseen TargetUnseen Identity Engine Ecs Calls Existing;
}

impl<'a> Edge<'a> {
    pub(in crate::export) fn new(
        source: &'a NodeId,
        target: &'a NodeId,
        edge: &'a topology::Edge,
    ) -> Self {
        let (counts, counts_calls) = (edge.counts, edge.counts_calls());
        let joins = edge.joins.iter();
        let tcp = matches!(edge.listener, Listener::Tcp(_));
        Self {
            source: source.as_str().into(),
            target: target.as_str().into(),
            protocol: match edge.listener {
                Listener::Tcp(_) => Protocol::Tcp,
                Listener::Udp(_) => Protocol::Udp,
                Listener::Unix(_) => Protocol::Unix,
                Listener::Other => Protocol::Other,
            },
            port: edge.listener.port(),
            path: edge.listener.path().map(Into::into),
            connections_existing: counts.existing,
            connections_opened: counts.opened,
            connections_closed: tcp.then_some(counts.closed),
            connections_failed: counts.failed,
            bytes_sent: counts.bytes_sent,
            bytes_received: counts.bytes_received,
            sends: counts_calls.then_some(counts.sends),
            receives: counts_calls.then_some(counts.receives),
            tcp: tcp.then(|| counts.health.into()),
            join: edge.join().into(),
            joins: joins
                .map(|(join, count)| ((*join).into(), *count))
                .collect(),
            halves: edge
                .halves
                .iter()
                .map(|half| format!("{half:016x}"))
                .collect(),
            gaps: edge.gaps.iter().map(Into::into).collect(),
        }
    }

    /// The edge and its ends, source first.
    pub(super) fn read(self) -> Result<(NodeId, NodeId, topology::Edge), ReadError> {
        let listener = match (self.protocol, self.port, &self.path) {
            (Protocol::Tcp, Some(port), _) => Listener::Tcp(port),
            (Protocol::Udp, Some(port), _) => Listener::Udp(port),
            (Protocol::Unix, _, Some(path)) => Listener::Unix(path.as_ref().into()),
            (Protocol::Other, ..) => Listener::Other,
            (protocol, ..) => {
                return Err(ReadError::Listener {
                    from: self.source.into_owned(),
                    to: self.target.into_owned(),
                    missing: match protocol {
                        Protocol::Unix => "path",
                        _ => "port",
                    },
                });
            }
        };
        let counts = Counts {
            existing: self.connections_existing,
            opened: self.connections_opened,
            closed: self.connections_closed.unwrap_or_default(),
            failed: self.connections_failed,
            sends: self.sends.unwrap_or_default(),
            receives: self.receives.unwrap_or_default(),
            bytes_sent: self.bytes_sent,
            bytes_received: self.bytes_received,
            health: self.tcp.unwrap_or_default().into(),
        };
        let mut joins: BTreeMap<topology::Join, u64> = BTreeMap::new();
        for (join, connections) in self.joins {
            joins.insert(join.into(), connections);
        }
        // A document that does not count evidence still names it.
        if joins.is_empty() {
            let connections = counts.existing.saturating_add(counts.opened);
            joins.insert(self.join.into(), connections.saturating_add(counts.failed));
        }
        let mut gaps: Gaps = self.gaps.into_iter().map(topology::Gap::from).collect();
        if self.sends.is_none() {
            gaps |= topology::Gap::Calls.into();
        }
        let halves = self.halves.iter().map(|half| number(half));
        let edge = topology::Edge {
            listener,
            counts,
            joins,
            halves: Halves::of(halves.collect::<Result<Vec<_>, _>>()?),
            gaps,
        };
        let [source, target] = [self.source, self.target].map(|id| NodeId::new(&id));
        Ok((source, target, edge))
    }
}

/// A connection's both first sequence numbers.
fn number(half: &str) -> Result<u64, ReadError> {
    let digits = Some(half).filter(|half| half.len() == 16 && !half.starts_with('+'));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| ReadError::Half(half.to_owned()))
}
