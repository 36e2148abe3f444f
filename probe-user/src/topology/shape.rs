//! Which nodes a graph is to have.

use std::sync::Arc;

use thiserror::Error;

use super::{Externals, Graph, Kind, Level, Snapshot, external::MAX_EXTERNALS};

/// A graph of containers does not know their commands any more.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the saved graph has containers, not what runs in them: save it with --by process")]
pub struct NoProcesses;

/// What nodes are folded into, on this host and elsewhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shape {
    /// What is here.
    pub level: Level,
    /// What is elsewhere.
    pub externals: Externals,
    /// External nodes at most: [`MAX_EXTERNALS`] by default.
    pub max_externals: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            level: Level::default(),
            externals: Externals::default(),
            max_externals: MAX_EXTERNALS,
        }
    }
}

impl Shape {
    /// The graph so shaped. `host` is the host of nodes that name none.
    #[must_use]
    pub fn of(&self, graph: Graph, host: &str) -> Graph {
        let as_it_is = matches!(self.level, Level::Process | Level::Container)
            && self.externals == Externals::Address;
        let graph = if as_it_is {
            graph
        } else {
            graph.grouped(|node| {
                let here = self.level.group(node, host);
                here.or_else(|| self.externals.group(node))
            })
        };
        graph.bounded(self.max_externals)
    }

    /// A saved graph so shaped.
    pub fn of_saved(&self, snapshot: Snapshot) -> Result<Snapshot, NoProcesses> {
        let mut nodes = snapshot.graph.nodes();
        if self.level == Level::Process && nodes.any(|node| node.kind == Kind::Container) {
            return Err(NoProcesses);
        }
        drop(nodes);
        let host = snapshot.host();
        let graph = Arc::unwrap_or_clone(snapshot.graph);
        Ok(Snapshot {
            graph: Arc::new(self.of(graph, &host)),
            ..snapshot
        })
    }
}
