//! Halves tied together by the first sequence numbers of their connections.
//!
//! An edge keeps a few of them, and both ends keep the same ones. One that both have kept proves
//! that the two edges have a connection in common, whatever was translated on the way. How many
//! they have in common is known as long as one of the two is all the other's: what a client says to
//! several servers is told apart by their figures, what a server hears of several clients by
//! theirs. Where several clients share several servers, nothing says whose figures are whose: such
//! edges are left to weaker evidence.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Half, Join};
use crate::{kernel::flows::Counts, topology::Gaps};

/// Two halves of one edge, by index.
pub(super) struct Tie {
    pub(super) client: usize,
    pub(super) server: usize,
    pub(super) counts: Counts,
    /// How many of the connections rest on what.
    pub(super) joins: BTreeMap<Join, u64>,
    /// What lacks of the figures, and of both ends' names.
    pub(super) gaps: Gaps,
}

/// What sequence numbers prove.
#[derive(Default)]
pub(super) struct Tied {
    pub(super) ties: Vec<Tie>,
    /// Of halves that are tied, by index, what the ties leave of them.
    pub(super) left: HashMap<usize, Counts>,
}

/// Ties what clients and servers, by index into `halves`, have in common.
pub(super) fn tie(halves: &[Half], clients: &[usize], servers: &[usize]) -> Tied {
    let common = Common::find(halves, clients, servers);
    let mut tied = Tied::default();
    for (client, its_servers) in &common.servers {
        let alone = |server: &usize| common.clients[server].len() == 1;
        match &its_servers.iter().copied().collect::<Vec<_>>()[..] {
            [server] if !alone(server) || counts_less(halves, *client, *server) => {
                tied.take(halves, *client, *server, *client);
            }
            several if several.iter().all(alone) => {
                for server in several {
                    tied.take(halves, *client, *server, *server);
                }
                // The last bytes may not have come, and who failed has met no server.
                let left = tied.left.get_mut(client);
                let (Some(left), Some(busiest)) = (
                    left,
                    several
                        .iter()
                        .copied()
                        .max_by_key(|server| established(halves[*server].edge.counts)),
                ) else {
                    continue;
                };
                if established(*left) == 0 {
                    let rest = std::mem::take(left);
                    tied.add(halves, *client, busiest, rest);
                }
            }
            _ => {}
        }
    }
    tied
}

/// Whether all that the client has may be the server's.
fn counts_less(halves: &[Half], client: usize, server: usize) -> bool {
    established(halves[client].edge.counts) <= established(halves[server].edge.counts)
}

const fn established(counts: Counts) -> u64 {
    counts.existing.saturating_add(counts.opened)
}

impl Tied {
    /// Ties the two with the figures of one of them, `whose`.
    fn take(&mut self, halves: &[Half], client: usize, server: usize, whose: usize) {
        let counts = halves[whose].edge.counts;
        let other = if whose == client { server } else { client };
        for half in [client, server] {
            let left = self.left.entry(half).or_insert(halves[half].edge.counts);
            *left = left.saturating_sub(counts);
            // Where no connection is left at the far end, neither is what it alone counted of them.
            if half == whose || half == server && established(*left) == 0 {
                *left = Counts::default();
            }
        }
        let join = match halves[server].edge.join() {
            Join::Proxy => Join::Proxy,
            _ => Join::Sequence,
        };
        let (kept, all) = (&halves[whose].edge.halves, counts.connections());
        let proven = share(
            all,
            kept.may_be_among(&halves[other].edge.halves),
            kept.len(),
        );
        let joins = [(join, proven), (Join::OneSided, all - proven)];
        self.ties.push(Tie {
            client,
            server,
            counts,
            joins: joins
                .into_iter()
                .filter(|(_, connections)| *connections > 0)
                .collect(),
            gaps: halves[whose].edge.gaps | halves[other].edge.gaps.of_names(),
        });
    }

    /// Adds what the client has counted beyond to a tie there is.
    fn add(&mut self, halves: &[Half], client: usize, server: usize, more: Counts) {
        let same = |tie: &&mut Tie| (tie.client, tie.server) == (client, server);
        if let Some(tie) = self.ties.iter_mut().find(same) {
            tie.counts += more;
            tie.gaps |= halves[client].edge.gaps;
            if more.connections() > 0 {
                *tie.joins.entry(Join::Sequence).or_default() += more.connections();
            }
        }
    }
}

/// Of `all`, as many as `part` is of `whole`, rounded; at least one if there is any.
fn share(all: u64, part: usize, whole: usize) -> u64 {
    let (part, whole) = (part as u128, whole.max(1) as u128);
    let share = (u128::from(all) * part + whole / 2) / whole;
    u64::try_from(share)
        .unwrap_or(u64::MAX)
        .clamp(all.min(1), all)
}

/// Who has connections in common with whom.
#[derive(Default)]
struct Common {
    /// Of each client.
    servers: BTreeMap<usize, BTreeSet<usize>>,
    /// Of each server.
    clients: BTreeMap<usize, BTreeSet<usize>>,
}

impl Common {
    fn find(halves: &[Half], clients: &[usize], servers: &[usize]) -> Self {
        let at_servers = by_number(halves, servers);
        let mut common = Self::default();
        for (number, client) in by_number(halves, clients) {
            if let (Some(client), Some(Some(server))) = (client, at_servers.get(&number)) {
                common.servers.entry(client).or_default().insert(*server);
                common.clients.entry(*server).or_default().insert(client);
            }
        }
        common
    }
}

/// Who has kept which connection; nobody if two have: a connection has one client and one server.
fn by_number(halves: &[Half], those: &[usize]) -> HashMap<u64, Option<usize>> {
    let mut by_number = HashMap::new();
    for index in those {
        for number in halves[*index].edge.halves.iter() {
            by_number
                .entry(number)
                .and_modify(|one| *one = None)
                .or_insert(Some(*index));
        }
    }
    by_number
}

#[cfg(test)]
mod tests;
