//! Nodes folded into what they are part of, and edges added up.
//!
//! No traffic is lost: what the members of a group say to each other becomes an edge of the group
//! to itself.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use super::{
    Edge, Graph, Kind, Listener, Node, NodeId, backlog,
    placement::{Placement, keep},
};

/// Addresses that a group tells: beyond, it tells none, for a part of them would mislead.
const ADDRESSES: usize = 256;

/// What nodes are folded into. A node that is no part of such a thing stays what it is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Level {
    /// Commands, those of containers as well. Only conversations know them: a graph of containers
    /// cannot be told apart any more.
    Process,
    /// Containers, as the graph has them.
    #[default]
    Container,
    /// ECS tasks, by the labels of their containers.
    Task,
    /// ECS services, as far as a task's service is known.
    Service,
    /// Images.
    Image,
    /// Hosts.
    Host,
}

impl Level {
    /// The node that `node` is folded into, with what it alone knows; `None` if it stays.
    pub(super) fn group(self, node: &Node, host: &str) -> Option<Node> {
        if !matches!(
            (node.kind, self),
            (Kind::Container | Kind::Process, _) | (Kind::Host, Self::Host)
        ) {
            return None;
        }
        let (kind, id, name) = match self {
            Self::Process | Self::Container => return None,
            Self::Task => {
                let arn = node.ecs.as_ref()?.task.clone()?;
                let name = task_name(node.ecs.as_ref()?, &arn);
                (Kind::Task, arn, name)
            }
            Self::Service => {
                let ecs = node.ecs.as_ref()?;
                (Kind::Service, ecs.service_arn()?, ecs.service.clone()?)
            }
            Self::Image => {
                let image = node.image.clone()?;
                (Kind::Image, image.clone(), image)
            }
            Self::Host => {
                let host = node.host.as_deref().unwrap_or(host);
                (Kind::Host, host.to_owned(), host.to_owned())
            }
        };
        Some(Node {
            name,
            ..group(kind, &id, node)
        })
    }
}

/// `family:revision` and the first digits of the id, as far as they are known.
fn task_name(ecs: &Placement, arn: &str) -> String {
    let id = arn.rsplit_once('/').map_or(arn, |(_, id)| id);
    let short = id.get(..8).unwrap_or(id);
    match &ecs.definition {
        Some(definition) => format!("{definition}/{short}"),
        None => id.to_owned(),
    }
}

/// A group that has `member` alone.
pub(super) fn group(kind: Kind, id: &str, member: &Node) -> Node {
    Node {
        id: NodeId::new(&format!("{}:{id}", kind.as_str())),
        kind,
        members: Some(member.members.unwrap_or(1)),
        cgroup: None,
        ..member.clone()
    }
}

/// What all members share is the group's; networks and addresses are all of theirs.
fn absorb(group: &mut Node, member: &Node) {
    group.members = group.members.map(|members| {
        let more = member.members.unwrap_or(1);
        members.saturating_add(more)
    });
    keep(&mut group.image, member.image.as_ref());
    keep(&mut group.host, member.host.as_ref());
    keep(&mut group.scope, member.scope.as_ref());
    group
        .labels
        .retain(|label, value| member.labels.get(label) == Some(value));
    union(&mut group.networks, &member.networks);
    backlog::add(&mut group.overflows, &member.overflows);
    // None at all stands for too many, and so it stays.
    if !group.addresses.is_empty() {
        union(&mut group.addresses, &member.addresses);
        if group.addresses.len() > ADDRESSES || member.addresses.is_empty() {
            group.addresses.clear();
        }
    }
    match (&mut group.ecs, &member.ecs) {
        (Some(own), Some(other)) => own.keep_common(other),
        (own, _) => *own = None,
    }
}

fn union<T: Clone + Ord>(all: &mut Vec<T>, more: &[T]) {
    all.extend_from_slice(more);
    all.sort();
    all.dedup();
}

impl Graph {
    /// The graph with every node in the group that `of` puts it in, if any.
    #[must_use]
    pub(super) fn grouped(&self, of: impl Fn(&Node) -> Option<Node>) -> Self {
        let petgraph = self.as_petgraph();
        let mut nodes: Vec<Node> = Vec::new();
        let mut places: HashMap<NodeId, usize> = HashMap::new();
        let mut moved = HashMap::new();
        for index in petgraph.node_indices() {
            let node = &petgraph[index];
            let group = of(node).unwrap_or_else(|| node.clone());
            let place = match places.entry(group.id.clone()) {
                Entry::Occupied(place) => {
                    absorb(&mut nodes[*place.get()], node);
                    *place.get()
                }
                Entry::Vacant(place) => {
                    nodes.push(group);
                    *place.insert(nodes.len() - 1)
                }
            };
            moved.insert(&node.id, place);
        }
        let mut edges: BTreeMap<(usize, usize, &Listener), Edge> = BTreeMap::new();
        for (source, target, edge) in self.edges() {
            let key = (moved[&source.id], moved[&target.id], &edge.listener);
            edges
                .entry(key)
                .and_modify(|sum| add(sum, edge))
                .or_insert_with(|| edge.clone());
        }
        let edges = edges.into_iter();
        Self::assemble(nodes, edges.map(|((s, t, _), edge)| (s, t, edge)).collect())
    }
}

fn add(all: &mut Edge, edge: &Edge) {
    all.counts += edge.counts;
    all.halves.add(&edge.halves);
    all.gaps |= edge.gaps;
    for (join, connections) in &edge.joins {
        let sum = all.joins.entry(*join).or_default();
        *sum = sum.saturating_add(*connections);
    }
}

#[cfg(test)]
mod tests;
