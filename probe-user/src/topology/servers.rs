//! The servers' ends of conversations, to be found from their clients' ends.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::Arc,
};

use foldhash::fast::RandomState;

use super::{
    join::{Conversation, Join},
    ledger::{Record, Row},
};
use crate::{
    identity::{Workload, Workloads},
    ids::NetNs,
    kernel::{
        flows::{Flow, Service, UnixListener},
        halves::Halves,
    },
};

/// Docker's resolver answers there in every container's network namespace, on any port.
const DOCKER_RESOLVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 11));

/// Where a server is asked: its address, and for a loopback one the network namespace it means.
#[derive(Eq, Hash, PartialEq)]
struct Endpoint<'a> {
    address: IpAddr,
    netns: Option<NetNs>,
    service: &'a Service,
}

impl<'a> Endpoint<'a> {
    fn new(address: IpAddr, flow: &'a Flow) -> Self {
        Self {
            address,
            netns: address.is_loopback().then_some(flow.netns),
            service: &flow.service,
        }
    }
}

/// All servers' flows, by what their clients know of them.
#[derive(Default)]
pub(super) struct Servers<'a> {
    /// By the client's flow whose sequence numbers matched.
    pub(super) matched: HashMap<Row, Vec<&'a Record>, RandomState>,
    /// All others.
    pub(super) unmatched: Vec<&'a Record>,
    by_endpoint: HashMap<Endpoint<'a>, &'a Record>,
    /// By their network namespace, those that are bound to no address: datagram sockets.
    anywhere: HashMap<(NetNs, &'a Service), &'a Record>,
    by_listener: HashMap<&'a UnixListener, &'a Record>,
    resolvers: HashMap<NetNs, &'a Record>,
}

impl<'a> Servers<'a> {
    pub(super) fn add(&mut self, server: &'a Record) {
        if let Some(client) = server.peer {
            self.matched.entry(client).or_default().push(server);
            return;
        }
        self.unmatched.push(server);
        let flow = &server.flow;
        if let Service::Unix(listener) = &flow.service {
            self.by_listener.insert(listener, server);
            return;
        }
        if flow.local.is_unspecified() {
            self.anywhere.insert((flow.netns, &flow.service), server);
        } else if flow.local == DOCKER_RESOLVER {
            self.resolvers.insert(flow.netns, server);
        }
        self.by_endpoint
            .insert(Endpoint::new(flow.local, flow), server);
    }

    /// The client's conversation, with the server that its sequence numbers did not find: it has
    /// none, or it is elsewhere, or it refused, or its half was lost.
    pub(super) fn find(&self, client: &Record, workloads: &impl Workloads) -> Conversation {
        let flow = &client.flow;
        let (found, join) = match &flow.service {
            Service::Unix(listener) => (self.by_listener.get(listener).copied(), Join::Peer),
            _ => (self.at_endpoint(flow), Join::Tuple),
        };
        let ((target, join), service) = match found {
            Some(server) => ((server.workload.clone(), join), &server.flow.service),
            None => (owner(client, workloads), &flow.service),
        };
        Conversation {
            source: client.workload.clone(),
            target,
            listener: service.into(),
            asked: flow.asked(),
            reached: found
                .and_then(|server| server.flow.asked())
                .or(flow.asked()),
            counts: client.counts,
            halves: match found {
                Some(_) => Halves::default(),
                None => client.halves.clone(),
            },
            name: client.name.clone(),
            join,
            client: Some(Arc::clone(flow)),
            server: found.map(|server| Arc::clone(&server.flow)),
            forward: found.and_then(|server| server.forward),
            idle: client.idle,
        }
    }

    fn at_endpoint(&self, flow: &Flow) -> Option<&'a Record> {
        let bound = self.by_endpoint.get(&Endpoint::new(flow.remote, flow));
        let anywhere = || self.anywhere.get(&(flow.netns, &flow.service));
        let resolver = || self.resolvers.get(&flow.netns);
        match bound {
            None if flow.remote == DOCKER_RESOLVER => resolver(),
            None if flow.remote.is_loopback() => anywhere(),
            bound => bound,
        }
        .copied()
    }
}

/// What clients without a matched server have asked for.
#[derive(Default)]
pub(super) struct Asked<'a> {
    tuples: HashSet<(IpAddr, Endpoint<'a>)>,
    /// Network namespaces in which somebody asked for a service at a loopback address.
    loopback: HashSet<(NetNs, &'a Service)>,
    listeners: HashSet<&'a UnixListener>,
}

impl<'a> Asked<'a> {
    pub(super) fn add(&mut self, flow: &'a Flow) {
        if let Service::Unix(listener) = &flow.service {
            self.listeners.insert(listener);
        } else if flow.remote.is_loopback() {
            self.loopback.insert((flow.netns, &flow.service));
        } else {
            let asked = Endpoint::new(flow.remote, flow);
            self.tuples.insert((flow.local, asked));
        }
    }

    /// Whether these account for what the server has counted.
    pub(super) fn covers(&self, server: &'a Record) -> bool {
        let flow = &server.flow;
        if let Service::Unix(listener) = &flow.service {
            return self.listeners.contains(listener);
        }
        if flow.local == DOCKER_RESOLVER {
            return true; // nobody else can ask it
        }
        if flow.remote.is_loopback() {
            return self.loopback.contains(&(flow.netns, &flow.service));
        }
        let own = Endpoint::new(flow.local, flow);
        self.tuples.contains(&(flow.remote, own))
    }
}

/// Who holds the address that the client asked.
fn owner(client: &Record, workloads: &impl Workloads) -> (Workload, Join) {
    let flow = &client.flow;
    match (&flow.service, &client.workload) {
        (Service::Unix(_), _) => (Workload::Unknown, Join::OneSided),
        (_, own @ Workload::Container(_)) if flow.remote.is_loopback() => {
            (own.clone(), Join::Tuple)
        }
        _ => at(flow.remote, workloads),
    }
}

/// Who the client of a server is whose view nobody has.
pub(super) fn client_of(server: &Record, workloads: &impl Workloads) -> (Workload, Join) {
    let flow = &server.flow;
    let unix = matches!(flow.service, Service::Unix(_));
    // Somebody in the same network namespace, which several containers may share.
    let nearby = flow.remote.is_loopback() && matches!(server.workload, Workload::Container(_));
    if unix || nearby {
        return (Workload::Unknown, Join::OneSided);
    }
    at(flow.remote, workloads)
}

fn at(address: IpAddr, workloads: &impl Workloads) -> (Workload, Join) {
    match workloads.at(address) {
        elsewhere @ (Workload::External(_) | Workload::Unknown) => (elsewhere, Join::OneSided),
        here => (here, Join::Tuple),
    }
}
