//! The agent's graph, made when somebody wants it.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Agent, RunError};
use crate::{
    serve::news::Published,
    topology::{
        Graph, Lens, Level, Seen, Snapshot, join::Conversation, join::join, placement::Clock, proxy,
    },
};

impl Agent {
    /// The graph of what was asked to be shown: by default of all that was seen since the start.
    #[must_use]
    pub fn graph(&self) -> Graph {
        self.graph_of(&self.conversations())
    }

    /// The graph with its head.
    pub fn snapshot(&mut self) -> Result<Snapshot, RunError> {
        self.read_halves()?;
        self.head(self.graph())
    }

    /// The graph with its head and what it was made of.
    pub fn publish(&mut self) -> Result<Published, RunError> {
        self.read_halves()?;
        let conversations = self.conversations();
        Ok(Published {
            tick: self.vitals.ticks,
            snapshot: self.head(self.graph_of(&conversations))?,
            conversations,
        })
    }

    fn conversations(&self) -> Vec<Conversation> {
        let conversations = join(&self.ledger, &self.host);
        if self.show.proxies {
            conversations
        } else {
            proxy::fold(conversations, &self.host)
        }
    }

    fn graph_of(&self, conversations: &[Conversation]) -> Graph {
        let lens = Lens {
            host: &self.hostname,
            processes: self.show.shape.level == Level::Process,
            clock: Some(Clock {
                now: std::time::Instant::now(),
                overdue: self.overdue,
            }),
        };
        let graph = Graph::of(conversations, lens);
        self.show.shape.of(graph, &self.hostname)
    }

    fn head(&self, graph: Graph) -> Result<Snapshot, RunError> {
        Ok(Snapshot {
            seen: vec![Seen {
                host: self.hostname.clone(),
                addresses: self.host.addresses.clone(),
            }],
            started: self.started,
            ended: Timestamp::now(),
            graph: Arc::new(graph),
            counts_calls: self.counts_calls(),
            losses: self.losses()?,
        })
    }
}
