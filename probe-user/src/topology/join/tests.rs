//! Joins of random traffic, seen as the kernel side sees it, and seen in part.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use proptest::prelude::*;

use super::*;
use crate::{
    ids::{CgroupId, FlowId, NetNs},
    kernel::flows::{FlowDelta, FlowNews, Service},
    topology::{Graph, Kind, Ledger, Node},
};

/// Those who talk, each in a network namespace of its own, with an address of its own.
const PEERS: usize = 5;
/// Where a masqueraded client seems to be.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 254);

fn name(peer: usize) -> String {
    format!("p{peer}")
}

fn address(peer: usize) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, u8::try_from(peer).unwrap() + 1).into()
}

fn service(number: u8) -> IpAddr {
    Ipv4Addr::new(10, 96, 0, number).into()
}

struct World;

impl Workloads for World {
    fn in_cgroup(&self, _: CgroupId, command: &str) -> Workload {
        Workload::Process(command.into())
    }

    fn at(&self, at: IpAddr) -> Workload {
        match (0..PEERS).find(|peer| address(*peer) == at) {
            Some(peer) => Workload::Process(name(peer).into()),
            None if at.is_loopback() || at == GATEWAY => Workload::Host,
            None => Workload::External(at),
        }
    }

    fn version(&self) -> u64 {
        0
    }
}

/// How the client gets to the server.
#[derive(Clone, Copy, Debug)]
enum Way {
    Direct,
    /// By the address of a service, which has any servers for backends.
    Dnat(u8),
    /// So, and with its own address replaced.
    Masqueraded(u8),
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    client: usize,
    server: usize,
    port: u16,
    way: Way,
    sent: u64,
    received: u64,
    client_seen: bool,
    server_seen: bool,
    /// The client's half is still there when the server looks for it.
    matched: bool,
    /// With which tick the ends are told of.
    told: (usize, usize),
}

impl Connection {
    /// What the client asked for: its own loopback when it is the server itself.
    fn asked(&self) -> (IpAddr, u16) {
        match self.way {
            Way::Direct if self.client == self.server => (Ipv4Addr::LOCALHOST.into(), self.port),
            Way::Direct => (address(self.server), self.port),
            Way::Dnat(number) | Way::Masqueraded(number) => (service(number), 443),
        }
    }

    /// Whom the server sees.
    fn shown(&self) -> IpAddr {
        match self.way {
            Way::Masqueraded(_) => GATEWAY.into(),
            Way::Direct if self.client == self.server => Ipv4Addr::LOCALHOST.into(),
            Way::Direct | Way::Dnat(_) => address(self.client),
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            opened: 1,
            closed: 1,
            bytes_sent: self.sent,
            bytes_received: self.received,
            ..Counts::default()
        }
    }

    fn client_flow(&self) -> Flow {
        let (remote, port) = self.asked();
        Flow {
            local: if remote.is_loopback() {
                remote
            } else {
                address(self.client)
            },
            remote,
            service: Service::Tcp(port),
            ..flow(self.client, Role::Client)
        }
    }

    fn server_flow(&self, peer: Option<FlowId>) -> Flow {
        let remote = self.shown();
        Flow {
            peer,
            local: if remote.is_loopback() {
                remote
            } else {
                address(self.server)
            },
            remote,
            service: Service::Tcp(self.port),
            ..flow(self.server, Role::Server)
        }
    }
}

fn flow(peer: usize, role: Role) -> Flow {
    Flow {
        cgroup: CgroupId(peer as u64 + 1),
        command: name(peer),
        role,
        peer: None,
        netns: NetNs(u32::try_from(peer).unwrap() + 1),
        local: address(peer),
        remote: address(peer),
        service: Service::Tcp(0),
    }
}

/// The kernel's table: a flow's id is given with its first connection.
#[derive(Default)]
struct Table {
    ids: BTreeMap<String, (FlowId, Arc<Flow>)>,
    ticks: [BTreeMap<FlowId, (Arc<Flow>, Counts)>; 3],
}

impl Table {
    fn id(&mut self, flow: Flow) -> (FlowId, Arc<Flow>) {
        let next = FlowId(self.ids.len() as u64 + 1);
        let entry = self.ids.entry(format!("{flow:?}"));
        let (id, flow) = entry.or_insert_with(|| (next, Arc::new(flow)));
        (*id, Arc::clone(flow))
    }

    fn count(&mut self, (id, flow): (FlowId, Arc<Flow>), tick: usize, counts: Counts) {
        let told = self.ticks[tick].entry(id);
        told.or_insert((flow, Counts::default())).1 += counts;
    }

    fn take_in(&mut self, connection: &Connection) {
        let (early, late) = connection.told;
        let mut peer = None;
        if connection.client_seen {
            let client = self.id(connection.client_flow());
            peer = Some(client.0).filter(|_| connection.matched);
            self.count(client, early, connection.counts());
        }
        if connection.server_seen {
            let server = self.id(connection.server_flow(peer));
            self.count(server, late, connection.counts().mirrored());
        }
    }
}

fn graph(connections: &[Connection]) -> Graph {
    let mut table = Table::default();
    for connection in connections {
        table.take_in(connection);
    }
    let mut ledger = Ledger::new(10_000);
    // What waits for its peer is told with the tick after.
    for tick in table.ticks.into_iter().chain([BTreeMap::new()]) {
        let delta = |(id, (flow, counts))| FlowDelta {
            id,
            flow,
            counts,
            pid: None,
        };
        let news = FlowNews {
            deltas: tick.into_iter().map(delta).collect(),
            ..FlowNews::default()
        };
        ledger.apply(news, &World);
    }
    Graph::of(&join(&ledger, &World), "here")
}

/// Source, target and the target's own port.
type Pair = (String, String, u16);

fn pair(connection: &Connection) -> Pair {
    (
        name(connection.client),
        name(connection.server),
        connection.port,
    )
}

/// The edges both ends of which are somebody.
fn named(graph: &Graph) -> BTreeMap<Pair, Counts> {
    let somebody = |node: &Node| node.kind == Kind::Process;
    let edges = graph.edges().filter(|(a, b, _)| somebody(a) && somebody(b));
    edges
        .map(|(a, b, edge)| {
            let port = edge.listener.port().unwrap();
            ((a.name.clone(), b.name.clone(), port), edge.counts)
        })
        .collect()
}

fn connection() -> impl Strategy<Value = Connection> {
    let way = prop_oneof![
        Just(Way::Direct),
        (1..3_u8).prop_map(Way::Dnat),
        (1..3_u8).prop_map(Way::Masqueraded),
    ];
    let bytes = (0..1000_u64, 0..1000_u64);
    let ends = (0..PEERS, 0..PEERS, 80..82_u16);
    let seen = (any::<bool>(), any::<bool>(), any::<bool>());
    (ends, way, bytes, seen, (0..3_usize, 0..3_usize)).prop_map(
        |((client, server, port), way, (sent, received), seen, told)| Connection {
            client,
            server,
            port,
            way,
            sent,
            received,
            client_seen: seen.0,
            server_seen: seen.1,
            matched: seen.2,
            // Whoever accepted was told of by the tick after, at the latest.
            told: (told.0.min(told.1 + 1), told.1),
        },
    )
}

fn connections() -> impl Strategy<Value = Vec<Connection>> {
    proptest::collection::vec(connection(), 0..60)
}

fn all_seen(connections: &mut [Connection]) {
    for connection in connections {
        connection.client_seen = true;
        connection.server_seen = true;
        connection.matched = true;
    }
}

proptest! {
    /// An edge between two is one that had a connection; where one end is an address, somebody
    /// used that very address.
    #[test]
    fn no_edge_is_invented(connections in connections()) {
        let graph = graph(&connections);
        let true_pairs: BTreeSet<_> = connections.iter().map(pair).collect();
        for (pair, _) in named(&graph) {
            prop_assert!(true_pairs.contains(&pair), "{pair:?}");
        }
        let asked: BTreeSet<_> = connections
            .iter()
            .map(|c| (name(c.client), World.at(c.asked().0), c.asked().1))
            .map(|(client, to, port)| (client, end(&to), port))
            .collect();
        let shown: BTreeSet<_> = connections
            .iter()
            .map(|c| (end(&World.at(c.shown())), name(c.server), c.port))
            .collect();
        for (source, target, edge) in graph.edges() {
            let port = edge.listener.port().unwrap();
            match (source.kind, target.kind) {
                (Kind::Process, Kind::Process) => {}
                (Kind::Process, _) => {
                    let used = (source.name.clone(), target.name.clone(), port);
                    prop_assert!(asked.contains(&used), "{used:?}");
                }
                _ => {
                    let used = (source.name.clone(), target.name.clone(), port);
                    prop_assert!(shown.contains(&used), "{used:?}");
                }
            }
        }
    }

    /// Sequence numbers find each other through any NAT; without them, addresses do where there
    /// is none.
    #[test]
    fn an_edge_of_which_both_halves_were_seen_is_found(connections in connections()) {
        let found = named(&graph(&connections));
        for connection in &connections {
            let both = connection.client_seen && connection.server_seen;
            let plain = matches!(connection.way, Way::Direct);
            if both && (connection.matched || plain) {
                prop_assert!(found.contains_key(&pair(connection)), "{connection:?}");
            }
        }
    }

    /// Backends behind one address included, each has its own share to the byte.
    #[test]
    fn seen_whole_every_figure_is_exact(mut connections in connections()) {
        all_seen(&mut connections);
        let mut expected: BTreeMap<Pair, Counts> = BTreeMap::new();
        for connection in &connections {
            *expected.entry(pair(connection)).or_default() += connection.counts();
        }
        let graph = graph(&connections);
        prop_assert_eq!(named(&graph), expected);
        let evidence = graph.edges().all(|(.., edge)| edge.join() == Join::Sequence);
        prop_assert!(evidence);
    }

    /// A connection counts at most once, and is there if either end was seen.
    #[test]
    fn without_nat_nothing_is_lost_or_doubled(mut connections in connections()) {
        for connection in &mut connections {
            connection.way = Way::Direct;
            // On loopback an end that is not seen leaves no address to go by.
            connection.server = (connection.client + 1 + connection.server % (PEERS - 1)) % PEERS;
        }
        let found = named(&graph(&connections));
        let mut seen: BTreeMap<Pair, (u64, u64)> = BTreeMap::new();
        for connection in &connections {
            let (client, any) = seen.entry(pair(connection)).or_default();
            *client += u64::from(connection.client_seen);
            *any += u64::from(connection.client_seen || connection.server_seen);
        }
        for (pair, (client, any)) in seen {
            let opened = found.get(&pair).map_or(0, |counts| counts.opened);
            // Figures are the client's where it was seen at all.
            prop_assert!(opened <= any && opened >= client.max(any.min(1)), "{pair:?} {opened}");
        }
    }
}

/// What a node is called.
fn end(workload: &Workload) -> String {
    Node::of(workload, "", "here".into()).name
}
