//! A graph of conversations: there may be many between the same two nodes, and a workload has a node only
//! once.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use foldhash::fast::RandomState;

use super::Graph;
use crate::{
    identity::{Container, Workload, workload::Who},
    kernel::flows::Flow,
    topology::{
        backlog::Backlog,
        edge::Edge,
        gaps::{Gaps, crowded},
        join::Conversation,
        lens::Lens,
        listener::Listener,
        node::{Node, NodeId},
    },
};

impl Graph {
    /// Adds up conversations between the same two nodes on the same port. `lens` may be this
    /// host's name alone. A node all of whose conversations are idle is left out, and they with it.
    #[must_use]
    pub fn of<'a>(conversations: &[Conversation], lens: impl Into<Lens<'a>>) -> Self {
        Self::with_backlogs(conversations, &[], lens)
    }

    /// The same, with what listeners have turned away: one that has done so is a node even if nobody
    /// has got through to it.
    #[must_use]
    pub fn with_backlogs<'a>(
        conversations: &[Conversation],
        backlogs: &[Backlog],
        lens: impl Into<Lens<'a>>,
    ) -> Self {
        let mut places = Places {
            lens: lens.into(),
            nodes: Vec::new(),
            by_who: HashMap::new(),
            seen: HashMap::default(),
        };
        let crowded = crowded(conversations);
        let mut awake = Vec::new();
        // Most conversations are an edge of their own.
        let mut edges: Vec<(usize, usize, Edge)> = Vec::with_capacity(conversations.len());
        let mut known: HashMap<(usize, usize, &Listener), usize, RandomState> =
            HashMap::with_capacity_and_hasher(conversations.len(), RandomState::default());
        for conversation in conversations {
            let source = places.place(&conversation.source, conversation.client.as_deref());
            let target = places.place(&conversation.target, conversation.server.as_deref());
            if let (Workload::External(_), Some(name)) = (&conversation.target, &conversation.name)
            {
                places.call(target, name);
            }
            awake.resize(places.nodes.len(), false);
            awake[source] |= !conversation.idle;
            awake[target] |= !conversation.idle;
            let place = *known
                .entry((source, target, &conversation.listener))
                .or_insert_with(|| {
                    let edge = Edge::new(conversation.listener.clone());
                    edges.push((source, target, edge));
                    edges.len() - 1
                });
            let edge = &mut edges[place].2;
            edge.counts += conversation.counts;
            edge.gaps |= Gaps::of_edge(conversation, places.lens, &crowded);
            if [&conversation.source, &conversation.target]
                .iter()
                .any(|end| matches!(end, Workload::External(_)))
            {
                edge.halves.add(&conversation.halves);
            }
            let connections = conversation.counts.connections();
            *edge.joins.entry(conversation.join).or_default() += connections;
        }
        for backlog in backlogs {
            let place = places.place(&backlog.workload, Some(&backlog.flow));
            awake.resize(places.nodes.len(), false);
            awake[place] |= !backlog.idle;
            let overflows = &mut places.nodes[place].overflows;
            *overflows.entry(backlog.port).or_default() += backlog.overflows;
        }
        let nodes = places.nodes;
        if awake.iter().all(|awake| *awake) {
            return Self::assemble(nodes, edges);
        }
        let awake: HashSet<NodeId> = nodes
            .iter()
            .zip(awake)
            .filter(|(_, awake)| *awake)
            .map(|(node, _)| node.id.clone())
            .collect();
        Self::assemble(nodes, edges).only(|node| awake.contains(&node.id))
    }
}

/// The nodes there are, each made once for its workload, not for each conversation: labels are
/// long.
struct Places<'a, 'l> {
    lens: Lens<'l>,
    nodes: Vec<Node>,
    by_who: HashMap<(Who<'a>, &'a str), usize>,
    /// The same, of containers that were seen in this very place in memory: most flows of one
    /// share it, and ids are long.
    seen: HashMap<(*const Container, &'a str), usize, RandomState>,
}

impl<'a> Places<'a, '_> {
    /// Somebody calls the node by a name. Of several names one is chosen, always the same.
    fn call(&mut self, place: usize, name: &str) {
        let node = &mut self.nodes[place];
        let has_name = node.name != node.id.own();
        if !has_name || name < node.name.as_str() {
            name.clone_into(&mut node.name);
        }
    }

    fn place(&mut self, workload: &'a Workload, flow: Option<&'a Flow>) -> usize {
        let inside = matches!(workload, Workload::Container(_));
        let command = flow.filter(|_| self.lens.processes && inside);
        let command = command.map_or("", |flow| &flow.command);
        let seen = match workload {
            Workload::Container(container) => Some((Arc::as_ptr(container), command)),
            _ => None,
        };
        if let Some(place) = seen.and_then(|seen| self.seen.get(&seen)) {
            return *place;
        }
        let place = *self
            .by_who
            .entry((workload.who(), command))
            .or_insert_with(|| {
                self.nodes.push(Node::of(workload, command, self.lens));
                self.nodes.len() - 1
            });
        self.seen.extend(seen.map(|seen| (seen, place)));
        place
    }
}
