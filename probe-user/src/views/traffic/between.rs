//! Whether a message is part of an edge of the graph.

use std::{collections::BTreeSet, fmt::Write as _, net::SocketAddr};

use super::Talk;
use crate::{
    filter::Filter,
    identity::workload::Workload,
    kernel::messages::Channel,
    topology::{Aliases, EdgeKey, Listener, NodeId},
};

/// What the kernel can tell of an edge's messages; `None` of one that stands for several.
///
/// A process of the host is told by its command alone, so only containers are named. `aliases`
/// is where they see each other.
#[must_use]
pub fn filter(edge: &EdgeKey, aliases: &Aliases) -> Option<Filter> {
    let mut sockets = format!("fd.proto = {}", edge.listener.protocol());
    match &edge.listener {
        Listener::Tcp(port) | Listener::Udp(port) if aliases.server.is_empty() => {
            let _ = write!(sockets, " and fd.port = {port}");
        }
        Listener::Tcp(port) | Listener::Udp(port) => {
            let _ = write!(sockets, " and fd.port in ({port}");
            let ports: BTreeSet<_> = aliases.server.iter().map(SocketAddr::port).collect();
            for port in ports {
                let _ = write!(sockets, ", {port}");
            }
            sockets.push(')');
        }
        Listener::Unix(_) => {}
        Listener::Other => return None,
    }
    let ends = [&edge.source, &edge.target].map(NodeId::parts);
    // What is elsewhere calls nothing here.
    let here = ends.iter().filter(|(kind, _)| *kind != "external");
    let mut containers = String::new();
    if here.clone().all(|(kind, _)| *kind == "container") {
        let ids: Vec<_> = here.map(|(_, id)| format!("\"{id}\"")).collect();
        containers = format!(" and container.id in ({})", ids.join(", "));
    }
    // Without them where there are none, or one is too short to be asked for.
    let all = format!("{sockets}{containers}").parse();
    all.or_else(|_| sockets.parse()).ok()
}

impl Talk {
    /// Whether one end of the edge says it to the other. Where NAT hides who the other is, the socket
    /// that serves decides, and `aliases`: where they have seen each other.
    #[must_use]
    pub fn is_of(&self, edge: &EdgeKey, aliases: &Aliases) -> bool {
        let (client, server) = (&edge.source, &edge.target);
        match &self.message.channel {
            Channel::Inet { tcp, local, remote } => {
                let (port, of_protocol) = match edge.listener {
                    Listener::Tcp(port) => (port, *tcp),
                    Listener::Udp(port) => (port, !*tcp),
                    _ => return false,
                };
                let has_come =
                    |remote: SocketAddr| aliases.client.contains(&remote.ip().to_canonical());
                let to_client = || self.may_be_with(client) || remote.is_some_and(has_come);
                let answers = local.port() == port && self.is_by(server) && to_client();
                let to_server = |remote: SocketAddr| {
                    remote.port() == port && self.may_be_with(server)
                        || aliases.server.contains(&remote)
                };
                let asks = remote.is_some_and(to_server) && self.is_by(client);
                of_protocol && (answers || asks)
            }
            Channel::Unix { path, .. } => {
                path.is_some()
                    && path.as_deref() == edge.listener.path()
                    && (self.is_by(client) && self.may_be_with(server)
                        || self.is_by(server) && self.may_be_with(client))
            }
            Channel::File { .. } => false,
        }
    }

    /// Whether the node's process said or heard it.
    fn is_by(&self, node: &NodeId) -> bool {
        match (node.parts(), &self.container) {
            (("container", id), Some(container)) => container.id.as_str() == id,
            (("process", command), None) => self.message.command == command,
            (("host", _), None) => true,
            _ => false,
        }
    }

    /// Whether the other end may be the node, by what is known of its address.
    fn may_be_with(&self, node: &NodeId) -> bool {
        match &self.peer {
            // An address of the host's is any of its processes', and of whom it translates for.
            Workload::Host | Workload::Unknown => true,
            peer => node.is_of(peer),
        }
    }
}

#[cfg(test)]
mod tests;
