//! `/api/v1/connections`.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    kernel::flows::Counts,
    serve::{
        Desk,
        answer::{Error, Refusal, json},
        news::Published,
    },
    topology::{Lens, Listener, Node, join::Conversation},
};

/// Who talks to whom over which address.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct ConnectionList {
    /// `probe.connections/v1`.
    schema: &'static str,
    /// By source, target and addresses.
    connections: Vec<Connection>,
}

/// All connections of one client to one address that came out at one server.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct Connection {
    /// Who opened them.
    source: End,
    /// Who accepted them, or would have.
    target: End,
    /// `tcp`, `udp`, `unix`, or `other`.
    protocol: &'static str,
    /// What the target listens on: a port, or a unix socket's path.
    listener: String,
    /// Where the client connected to; null for what has no address.
    destination: Option<String>,
    /// Where that came out: the server's own address and port, also behind NAT.
    actual_destination: Option<String>,
    /// Those that stand now; null for other than TCP.
    connections_active: Option<u64>,
    /// Those that stood when watching began.
    connections_existing: u64,
    /// Those established since.
    connections_opened: u64,
    /// Those that ended.
    connections_closed: u64,
    /// Connects that failed.
    connections_failed: u64,
    /// Payload from source to target.
    bytes_sent: u64,
    /// Payload from target to source.
    bytes_received: u64,
    /// The evidence: `sequence`, `peer`, `tuple` or `one-sided`.
    join: &'static str,
}

/// One that talks, as a node of the graph.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct End {
    /// The node's id.
    id: String,
    /// `container`, `process`, `host` or `external`.
    kind: &'static str,
    /// What people call it.
    name: String,
}

impl From<&Node> for End {
    fn from(node: &Node) -> Self {
        Self {
            id: node.id.to_string(),
            kind: node.kind.as_str(),
            name: node.name.clone(),
        }
    }
}

impl Connection {
    fn new(conversation: &Conversation, source: &Node, target: &Node) -> Self {
        let mut new = Self {
            source: source.into(),
            target: target.into(),
            protocol: conversation.listener.protocol(),
            listener: conversation.listener.to_string(),
            destination: conversation.asked.map(|asked| asked.to_string()),
            actual_destination: conversation.reached.map(|reached| reached.to_string()),
            connections_active: matches!(conversation.listener, Listener::Tcp(_)).then_some(0),
            connections_existing: 0,
            connections_opened: 0,
            connections_closed: 0,
            connections_failed: 0,
            bytes_sent: 0,
            bytes_received: 0,
            join: conversation.join.as_str(),
        };
        new.add(conversation.counts);
        new
    }

    fn add(&mut self, counts: Counts) {
        if let Some(active) = &mut self.connections_active {
            *active += counts.active();
        }
        self.connections_existing += counts.existing;
        self.connections_opened += counts.opened;
        self.connections_closed += counts.closed;
        self.connections_failed += counts.failed;
        self.bytes_sent += counts.bytes_sent;
        self.bytes_received += counts.bytes_received;
    }
}

fn list(published: &Published) -> ConnectionList {
    let host = published.snapshot.host();
    let mut connections: BTreeMap<_, Connection> = BTreeMap::new();
    for conversation in &published.conversations {
        let lens = Lens::from(host.as_ref());
        let source = Node::of(&conversation.source, "", lens);
        let target = Node::of(&conversation.target, "", lens);
        let key = (
            (source.id.clone(), target.id.clone()),
            conversation.listener.clone(),
            (conversation.asked, conversation.reached),
            conversation.join,
        );
        match connections.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().add(conversation.counts),
            Entry::Vacant(place) => {
                place.insert(Connection::new(conversation, &source, &target));
            }
        }
    }
    ConnectionList {
        schema: "probe.connections/v1",
        connections: connections.into_values().collect(),
    }
}

/// Edges with the addresses that they rest on, as of the latest tick.
#[utoipa::path(
    get, path = "/api/v1/connections",
    responses(
        (status = 200, description = "The connections", body = ConnectionList),
        (status = 304, description = "They are those of the If-None-Match header"),
        (status = 401, description = "A token is wanted", body = Error),
        (status = 403, description = "The Host or the Origin is foreign", body = Error),
    )
)]
pub(in crate::serve) async fn connections(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let published = desk.news.graph().await.ok_or_else(Refusal::ending)?;
    json(&headers, &list(&published))
}
