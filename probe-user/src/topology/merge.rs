//! One graph of several hosts' graphs.
//!
//! What crosses hosts is seen twice: the client's host has an edge to an external address, the
//! server's an edge from one. Here the halves are tied together: by connections that both hosts have
//! kept ([`sequence`]), then by address. Who holds one is known from nodes' and hosts' own. An address that more than one host claims, as every
//! host's bridge networks do, is nobody's. As in [`join`](super::join), figures are the client's.
//!
//! By address alone, a port that changes on the way (a published one, say) leaves two edges that end
//! at the hosts: that does not prove that they are one.

mod claims;
mod half;
mod home;
mod sequence;

use std::{
    collections::{BTreeMap, HashMap, HashSet, btree_map::Entry},
    sync::Arc,
};

use thiserror::Error;

use super::{Completeness, Edge, Gap, Graph, Join, Kind, Node, NodeId, Seen, Snapshot, backlog};
use crate::kernel::losses::Losses;
use claims::{Claims, Holder};
use half::{Edges, Half, add, by_listener};
use home::{at_home, far_end, host_node};

/// Why graphs cannot be merged.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum MergeError {
    /// There is none.
    #[error("there is no graph to merge")]
    Nothing,
    /// Two are of one host: what both saw would be counted twice.
    #[error("two of the graphs are of the host {0:?}; give one of each host")]
    HostTwice(String),
}

/// One graph of all of `snapshots`, which must be of different hosts.
pub fn merge(snapshots: &[Snapshot]) -> Result<Snapshot, MergeError> {
    let seen = hosts(snapshots)?;
    let mut merge = Merge::new(&seen);
    for snapshot in snapshots {
        merge.take_in(snapshot);
    }
    Ok(Snapshot {
        started: snapshots
            .iter()
            .map(|s| s.started)
            .min()
            .ok_or(MergeError::Nothing)?,
        ended: snapshots
            .iter()
            .map(|s| s.ended)
            .max()
            .ok_or(MergeError::Nothing)?,
        losses: snapshots
            .iter()
            .fold(Losses::default(), |sum, s| lost(sum, s.losses)),
        completeness: snapshots
            .iter()
            .try_fold(Completeness::default(), |sum, s| {
                Some(sum.with(s.completeness.as_ref()?))
            }),
        graph: Arc::new(merge.join()),
        seen,
    })
}

fn hosts(snapshots: &[Snapshot]) -> Result<Vec<Seen>, MergeError> {
    let mut seen: Vec<Seen> = snapshots.iter().flat_map(|s| s.seen.clone()).collect();
    seen.sort_by(|a, b| a.host.cmp(&b.host));
    match seen.windows(2).find(|pair| pair[0].host == pair[1].host) {
        Some(pair) => Err(MergeError::HostTwice(pair[0].host.clone())),
        None => Ok(seen),
    }
}

/// A half with what both its ends may be.
struct Client<'a> {
    half: &'a Half,
    /// The host that saw it.
    host: &'a str,
    /// Where it went.
    holder: Option<Holder<'a>>,
}

#[derive(Default)]
struct Merge {
    nodes: BTreeMap<NodeId, Node>,
    claims: Claims,
    halves: Vec<Half>,
}

impl Merge {
    fn new(seen: &[Seen]) -> Self {
        let mut merge = Self::default();
        for seen in seen {
            for address in &seen.addresses {
                merge.claims.host(*address, &seen.host);
            }
        }
        merge
    }

    fn take_in(&mut self, snapshot: &Snapshot) {
        let only_host = match &snapshot.seen[..] {
            [seen] => Some(Arc::<str>::from(seen.host.as_str())),
            _ => None,
        };
        let mut names = HashMap::new();
        for node in snapshot.graph.nodes() {
            let local = at_home(node, only_host.as_ref());
            names.insert(&node.id, local.id.clone());
            if let (Kind::Container, Some(host)) = (local.kind, &local.host) {
                for address in &local.addresses {
                    self.claims.node(*address, host, &local.id);
                }
            }
            match self.nodes.entry(local.id.clone()) {
                Entry::Vacant(place) => drop(place.insert(local)),
                Entry::Occupied(mut place) => {
                    backlog::add(&mut place.get_mut().overflows, &local.overflows);
                }
            }
        }
        for (source, target, edge) in snapshot.graph.edges() {
            self.halves.push(Half {
                source: names[&source.id].clone(),
                target: names[&target.id].clone(),
                edge: edge.clone(),
            });
        }
    }

    fn join(mut self) -> Graph {
        let mut edges = Edges::new();
        let mut accounted = HashSet::new();
        let (whole, clients, servers) = self.sort_halves();
        let left = self.tie(&mut edges, &clients, &servers);
        let is_left = |index: &usize| left.get(index).copied() != Some(false);
        let servers: Vec<_> = servers.into_iter().filter(is_left).collect();
        let by_listener = by_listener(&self.halves, &servers);
        for index in whole {
            let half = &self.halves[index];
            add(&mut edges, half, &half.source, &half.target, None);
        }
        let mut met = Vec::new();
        for index in clients.into_iter().filter(is_left) {
            let half = &self.halves[index];
            let Some(client) = self.client(half) else {
                add(&mut edges, half, &half.source, &half.target, None);
                continue;
            };
            let listener = &half.edge.listener;
            let answering: Vec<usize> = by_listener
                .get(listener)
                .into_iter()
                .flatten()
                .copied()
                // What is left of one that was tied goes elsewhere.
                .filter(|_| !left.contains_key(&index))
                .filter(|server| self.answers(&client, &self.halves[*server]))
                .collect();
            let targets: HashSet<_> = answering.iter().map(|s| &self.halves[*s].target).collect();
            let one = targets.iter().next().filter(|_| targets.len() == 1);
            if let Some(target) = one {
                let sum = add(&mut edges, half, &half.source, target, Some(Join::Tuple));
                for server in &answering {
                    sum.gaps |= self.halves[*server].edge.gaps.of_names();
                }
                accounted.extend(answering);
            } else {
                let (target, join) = far_end(&half.target, client.holder.as_ref());
                met.extend(client.holder.as_ref().and_then(Holder::bare_host));
                let sum = add(&mut edges, half, &half.source, &target, join);
                if target != half.target && half.stood() {
                    sum.gaps |= Gap::TargetUnseen.into();
                }
            }
        }
        for index in servers
            .into_iter()
            .filter(|index| !accounted.contains(index))
        {
            let half = &self.halves[index];
            let holder = self.elsewhere(&half.source, &half.target);
            let (source, join) = far_end(&half.source, holder.as_ref());
            met.extend(holder.as_ref().and_then(Holder::bare_host));
            let sum = add(&mut edges, half, &source, &half.target, join);
            if source != half.source && half.stood() {
                sum.gaps |= Gap::SourceUnseen.into();
            }
        }
        let met: Vec<Node> = met.into_iter().map(host_node).collect();
        for node in met {
            self.nodes.entry(node.id.clone()).or_insert(node);
        }
        finish(self.nodes, edges)
    }

    /// Adds the edges that sequence numbers prove, and takes their figures off their halves. Whether
    /// anything is left of these, by index.
    fn tie(
        &mut self,
        edges: &mut Edges,
        clients: &[usize],
        servers: &[usize],
    ) -> HashMap<usize, bool> {
        let tied = sequence::tie(&self.halves, clients, servers);
        for tie in tied.ties {
            let (client, server) = (&self.halves[tie.client], &self.halves[tie.server]);
            let whole = Half {
                source: client.source.clone(),
                target: server.target.clone(),
                edge: Edge {
                    counts: tie.counts,
                    joins: tie.joins,
                    gaps: tie.gaps,
                    ..Edge::new(server.edge.listener.clone())
                },
            };
            add(edges, &whole, &whole.source, &whole.target, None);
        }
        let left = tied.left.into_iter().map(|(index, counts)| {
            let edge = &mut self.halves[index].edge;
            edge.joins = [(edge.join(), counts.connections())].into();
            edge.counts = counts;
            (index, !counts.is_zero())
        });
        left.collect()
    }

    /// Edges whole, seen at the client's end only, and at the server's only: by index.
    fn sort_halves(&self) -> (Vec<usize>, Vec<usize>, Vec<usize>) {
        let (mut whole, mut clients, mut servers) = (Vec::new(), Vec::new(), Vec::new());
        for (index, half) in self.halves.iter().enumerate() {
            let external = |id| self.nodes.get(id).is_some_and(|n| n.kind == Kind::External);
            match (external(&half.source), external(&half.target)) {
                (false, true) => clients.push(index),
                (true, false) => servers.push(index),
                _ => whole.push(index),
            }
        }
        (whole, clients, servers)
    }

    fn host_of(&self, id: &NodeId) -> Option<&str> {
        self.nodes.get(id)?.host.as_deref()
    }

    fn client<'a>(&'a self, half: &'a Half) -> Option<Client<'a>> {
        Some(Client {
            half,
            host: self.host_of(&half.source)?,
            holder: self.elsewhere(&half.target, &half.source),
        })
    }

    /// Who holds the addresses of `external`, on another host than that of `here`.
    fn elsewhere<'a>(&'a self, external: &NodeId, here: &NodeId) -> Option<Holder<'a>> {
        let holder = self.claims.holder(&self.nodes.get(external)?.addresses)?;
        (Some(holder.host) != self.host_of(here)).then_some(holder)
    }

    /// Whether `server` may be the other half of what `client` saw.
    fn answers(&self, client: &Client<'_>, server: &Half) -> bool {
        let Some(went_to) = &client.holder else {
            return false;
        };
        let Some(came_from) = self.elsewhere(&server.source, &server.target) else {
            return false;
        };
        let right_hosts =
            Some(went_to.host) == self.host_of(&server.target) && came_from.host == client.host;
        // A host's address may stand for any of its containers: to it by DNAT, from it masqueraded.
        right_hosts && went_to.may_be(&server.target) && came_from.may_be(&client.half.source)
    }
}

const fn lost(a: Losses, b: Losses) -> Losses {
    Losses {
        flows_dropped: a.flows_dropped.saturating_add(b.flows_dropped),
        sockets_dropped: a.sockets_dropped.saturating_add(b.sockets_dropped),
        records_dropped: a.records_dropped.saturating_add(b.records_dropped),
        counts_dropped: a.counts_dropped.saturating_add(b.counts_dropped),
        datagrams_dropped: a.datagrams_dropped.saturating_add(b.datagrams_dropped),
        names_dropped: a.names_dropped.saturating_add(b.names_dropped),
        runs_missed: a.runs_missed.saturating_add(b.runs_missed),
    }
}

/// The graph, without external nodes that turned out to be somebody.
fn finish(nodes: BTreeMap<NodeId, Node>, edges: Edges) -> Graph {
    let used: HashSet<_> = edges
        .keys()
        .flat_map(|key| [&key.source, &key.target])
        .collect();
    let nodes: Vec<_> = nodes
        .into_values()
        .filter(|node| node.kind != Kind::External || used.contains(&node.id))
        .collect();
    drop(used);
    let edges = edges.into_iter();
    let edges = edges.map(|(key, edge)| (key.source, key.target, edge));
    Graph::with_edges(nodes, edges).expect("ids and keys come from maps, and every end is a node")
}

#[cfg(test)]
mod tests;
