//! The agent's graph, made when somebody wants it.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Agent, RunError};
use crate::{
    kernel::losses::Losses,
    serve::news::Published,
    topology::{
        Aliases, Backlog, Completeness, EdgeKey, Graph, Lens, Level, Seen, Snapshot,
        backlog::backlogs, join::Conversation, join::join, placement::Clock, proxy,
    },
};

impl Agent {
    /// The graph of what was asked to be shown: by default of all that was seen since the start.
    #[must_use]
    pub fn graph(&self) -> Graph {
        self.graph_of(&self.conversations(), &backlogs(&self.ledger))
    }

    /// The graph with its head.
    pub fn snapshot(&mut self) -> Result<Snapshot, RunError> {
        Ok(self.publish()?.snapshot)
    }

    /// The graph with its head and what it was made of.
    pub fn publish(&mut self) -> Result<Published, RunError> {
        self.read_halves()?;
        let conversations = self.conversations();
        let backlogs = backlogs(&self.ledger);
        Ok(Published {
            tick: self.vitals.ticks,
            snapshot: self.head(&conversations, &backlogs)?,
            conversations,
            backlogs,
        })
    }

    /// Where the ends of an edge see each other.
    #[must_use]
    pub fn aliases(&self, edge: &EdgeKey) -> Aliases {
        Aliases::of(edge, &self.conversations())
    }

    fn conversations(&self) -> Vec<Conversation> {
        let conversations = join(&self.ledger, &self.host);
        if self.show.proxies {
            conversations
        } else {
            proxy::fold(conversations, &self.host)
        }
    }

    fn graph_of(&self, conversations: &[Conversation], backlogs: &[Backlog]) -> Graph {
        let lens = Lens {
            host: &self.hostname,
            processes: self.show.shape.level == Level::Process,
            clock: Some(self.clock()),
            counts_calls: self.counts_calls(),
            engine_silent: self.engines.trouble().is_some(),
        };
        let graph = Graph::with_backlogs(conversations, backlogs, lens);
        self.show.shape.of(graph, &self.hostname)
    }

    fn clock(&self) -> Clock {
        Clock {
            now: std::time::Instant::now(),
            overdue: self.overdue,
        }
    }

    /// What was lost on the way, in the kernel, in the ring, and among those who give names.
    fn completeness(&self, conversations: &[Conversation], losses: &Losses) -> Completeness {
        let undecoded = self.records.get_ref().undecoded();
        Completeness {
            records: self.vitals.records,
            ring: losses.records_dropped.saturating_sub(undecoded),
            undecoded,
            engines_silent: u64::from(self.engine_trouble().is_some()),
            ..Completeness::of(conversations, losses, Some(self.clock()))
        }
    }

    fn head(
        &self,
        conversations: &[Conversation],
        backlogs: &[Backlog],
    ) -> Result<Snapshot, RunError> {
        let losses = self.losses()?;
        let graph = self.graph_of(conversations, backlogs);
        Ok(Snapshot {
            seen: vec![Seen {
                host: self.hostname.clone(),
                addresses: self.host.addresses.clone(),
            }],
            started: self.started(),
            // The clock may have been set since the last tick.
            ended: Timestamp::now().max(self.started()),
            graph: Arc::new(graph),
            completeness: Some(self.completeness(conversations, &losses)),
            losses,
        })
    }
}
