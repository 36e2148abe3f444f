//! Reads a document back.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use thiserror::Error;

use super::{SCHEMA, edge::Edge, wire};
use crate::{
    export::Snapshot,
    topology::{Graph, Seen, graph::GraphError},
};

/// Why a document is no graph.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It is no JSON, or lacks something.
    #[error("it is no graph in JSON")]
    Json(#[source] serde_json::Error),
    /// It is of another kind, or of a version to come.
    #[error("its schema is {0:?}, and only {SCHEMA:?} can be read")]
    Schema(String),
    /// A time is none.
    #[error("{text:?} is no time in RFC 3339")]
    Time {
        /// What stands there.
        text: String,
        /// What is wrong with it.
        source: jiff::Error,
    },
    /// An edge does not say where its target listens.
    #[error("the edge from {from:?} to {to:?} has no {missing}")]
    Listener {
        /// Its source.
        from: String,
        /// Its target.
        to: String,
        /// What its protocol calls for.
        missing: &'static str,
    },
    /// A connection is not 16 hexadecimal digits.
    #[error("{0:?} is no pair of sequence numbers: 16 hexadecimal digits")]
    Half(String),
    /// Its parts do not fit together.
    #[error("its parts do not fit together")]
    Graph(#[source] GraphError),
}

/// What tells one schema from another.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

/// The snapshot that `json` holds.
pub fn read(json: &str) -> Result<Snapshot, ReadError> {
    // First of all: a document of another kind lacks much that this one has.
    let Head { schema } = serde_json::from_str(json).map_err(ReadError::Json)?;
    if schema != SCHEMA {
        return Err(ReadError::Schema(schema));
    }
    let wire: wire::Graph<'_> = serde_json::from_str(json).map_err(ReadError::Json)?;
    let edges = wire.edges.into_iter().map(Edge::read);
    let edges = edges.collect::<Result<Vec<_>, _>>()?;
    let nodes = wire.nodes.into_iter().map(Into::into).collect();
    Ok(Snapshot {
        started: time(&wire.started)?,
        ended: time(&wire.ended)?,
        seen: seen(&wire.host, wire.hosts),
        graph: Arc::new(Graph::with_edges(nodes, edges).map_err(ReadError::Graph)?),
        losses: wire.losses.into(),
        completeness: wire.account.map(Into::into),
    })
}

fn time(text: &str) -> Result<Timestamp, ReadError> {
    text.parse().map_err(|source| ReadError::Time {
        text: text.to_owned(),
        source,
    })
}

fn seen(host: &str, hosts: Vec<wire::Host<'_>>) -> Vec<Seen> {
    if hosts.is_empty() {
        return vec![Seen {
            host: host.to_owned(),
            addresses: Vec::new(),
        }];
    }
    let seen = |host: wire::Host<'_>| Seen {
        host: host.name.into_owned(),
        addresses: host.addresses,
    };
    hosts.into_iter().map(seen).collect()
}
