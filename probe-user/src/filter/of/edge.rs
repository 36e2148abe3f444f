//! The fields of an edge: those of both its ends, and what was counted between them.

use std::net::IpAddr;

use super::ContainerFields;
use crate::{
    filter::{Field, Record, Value},
    topology::{Edge, Kind, Node},
};

/// An edge with its ends.
#[derive(Clone, Copy, Debug)]
pub struct EdgeRecord<'a> {
    client: &'a Node,
    server: &'a Node,
    edge: &'a Edge,
    host: &'a str,
}

impl<'a> EdgeRecord<'a> {
    /// `host` is where it was seen, unless its ends know better.
    #[must_use]
    pub const fn new(client: &'a Node, server: &'a Node, edge: &'a Edge, host: &'a str) -> Self {
        Self {
            client,
            server,
            edge,
            host,
        }
    }

    fn ends(&self) -> [&'a Node; 2] {
        [self.client, self.server]
    }

    /// Each end that is on this host, with the other one.
    fn here(&self) -> impl Iterator<Item = (&'a Node, &'a Node)> {
        [(self.client, self.server), (self.server, self.client)]
            .into_iter()
            .filter(|(end, _)| end.kind != Kind::External)
    }

    /// As people write it.
    fn name(&self) -> String {
        let Some(path) = self.edge.listener.path() else {
            let (client, server) = (&self.client.name, &self.server.name);
            return format!("{client}->{server}:{}", self.edge.listener);
        };
        path.to_owned()
    }

    /// Families that both ends have, or the one whose addresses are known.
    fn types(&self) -> impl Iterator<Item = &'static str> {
        let unix = self.edge.listener.path().is_some();
        let has = |v4: bool| {
            let mut known = self
                .ends()
                .into_iter()
                .filter(|end| !end.addresses.is_empty());
            let mut of_family = |end: &Node| end.addresses.iter().any(|a| a.is_ipv4() == v4);
            known.clone().next().is_some() && known.all(&mut of_family)
        };
        [
            ("unix", unix),
            ("ipv4", !unix && has(true)),
            ("ipv6", !unix && has(false)),
        ]
        .into_iter()
        .filter_map(|(name, is)| is.then_some(name))
    }
}

impl Record for EdgeRecord<'_> {
    fn each(&self, field: Field, key: &str, tell: &mut dyn FnMut(Value<'_>)) {
        let mut addresses = |node: &Node| {
            let canonical = node.addresses.iter().map(IpAddr::to_canonical);
            canonical.map(Value::Address).for_each(&mut *tell);
        };
        let port = self
            .edge
            .listener
            .port()
            .map(|port| Value::Number(port.into()));
        let counts = &self.edge.counts;
        match field {
            Field::ProcName => {
                let commands = self
                    .ends()
                    .into_iter()
                    .filter(|end| end.kind == Kind::Process);
                commands.for_each(|end| tell(Value::Text(&end.name)));
            }
            Field::FdIp | Field::FdNet => self.ends().into_iter().for_each(addresses),
            Field::FdCip => addresses(self.client),
            Field::FdSip => addresses(self.server),
            Field::FdLip => self.here().for_each(|(end, _)| addresses(end)),
            Field::FdRip => self.here().for_each(|(_, other)| addresses(other)),
            Field::FdPort | Field::FdSport => port.into_iter().for_each(tell),
            Field::FdLport if self.server.kind != Kind::External => {
                port.into_iter().for_each(tell);
            }
            Field::FdRport if self.client.kind != Kind::External => {
                port.into_iter().for_each(tell);
            }
            Field::FdProto => tell(Value::Text(self.edge.listener.protocol())),
            Field::FdName => tell(Value::Text(&self.name())),
            Field::FdType => self.types().map(Value::Text).for_each(tell),
            Field::EvtBytes => {
                let bytes = counts.bytes_sent.saturating_add(counts.bytes_received);
                tell(Value::Number(bytes));
            }
            Field::EvtFailed => tell(Value::Flag(counts.failed > 0)),
            Field::HostName => self.here().for_each(|(end, _)| {
                tell(Value::Text(end.host.as_deref().unwrap_or(self.host)));
            }),
            _ => {
                for end in self.ends() {
                    if let Some(container) = ContainerFields::of_node(end) {
                        let addresses = end.addresses.iter().map(IpAddr::to_canonical);
                        container.each(field, key, addresses, tell);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        filter::{Filter, of::EdgeRecord},
        topology::sample::shop,
    };

    /// The edges of the shop that pass, as client, server and listener.
    fn check(filter: &str, expected: &[&str]) {
        let shop = shop();
        let filter: Filter = filter.parse().unwrap();
        let passes = |source: &_, target: &_, edge: &_| {
            filter.matches(&EdgeRecord::new(source, target, edge, "here"))
        };
        let graph = shop.graph.only_edges(passes);
        let edges: Vec<_> = graph
            .edges()
            .map(|(source, target, edge)| {
                format!("{} {} {}", source.name, target.name, edge.listener)
            })
            .collect();
        assert_eq!(edges, expected, "{filter}");
        let ends: std::collections::HashSet<_> = graph
            .edges()
            .flat_map(|(source, target, _)| [source.id.clone(), target.id.clone()])
            .collect();
        assert_eq!(graph.nodes().count(), ends.len(), "no node without an edge");
    }

    #[test]
    fn either_end_will_do_and_a_pair_is_selected_by_both() {
        check(
            "container.name = proxy",
            &["proxy web 8080", "192.0.2.7 proxy 80"],
        );
        check(
            "container.name = web and container.name = cache",
            &["web cache 6379", "cache web 8080"],
        );
        check(
            "fd.ip=172.19.0.3 and fd.ip=172.19.0.4",
            &["web cache 6379", "cache web 8080"],
        );
        check(
            "fd.cip=172.19.0.3 and fd.sip=172.19.0.4",
            &["web cache 6379"],
        );
        check(
            "fd.ip != 172.19.0.3",
            &["192.0.2.7 proxy 80", "lone lone 9000"],
        );
    }

    #[test]
    fn here_and_there_are_told_apart() {
        check("fd.rip = 192.0.2.7", &["192.0.2.7 proxy 80"]);
        check("fd.lip = 192.0.2.7", &[]);
        check("fd.lport = 80", &["192.0.2.7 proxy 80"]);
        check("fd.rport = 80", &[]);
        check("fd.rport = 6379", &["web cache 6379"]);
    }

    #[test]
    fn what_was_counted_can_be_asked_for() {
        check("evt.failed = true", &["web db 5433"]);
        check("fd.proto = unix", &["web db /run/db.sock"]);
        check("fd.name = \"web->cache:6379\"", &["web cache 6379"]);
        check("fd.type = unix", &["web db /run/db.sock"]);
        check("proc.name = lone", &["lone lone 9000"]);
        check("fd.net = 192.0.2.0/24", &["192.0.2.7 proxy 80"]);
        check("evt.bytes > 1M", &["proxy web 8080", "192.0.2.7 proxy 80"]);
    }
}
