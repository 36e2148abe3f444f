//! Which host a node is on, and who on it is meant where only one half was seen.

use std::sync::Arc;

use super::claims::Holder;
use crate::topology::{Join, Kind, Node, NodeId};

/// The node as the merged graph has it: processes of one name on two hosts are two.
pub(super) fn at_home(node: &Node, only_host: Option<&Arc<str>>) -> Node {
    let Some(host) = only_host.filter(|_| on_a_host(node.kind) && node.host.is_none()) else {
        return node.clone();
    };
    let mut node = node.clone();
    if node.kind == Kind::Process {
        node.id = NodeId::new(&format!("{}:{host}/{}", node.kind.as_str(), node.name));
    }
    node.host = Some(Arc::clone(host));
    node
}

/// Tasks, services and images may be on many, external nodes are on none.
const fn on_a_host(kind: Kind) -> bool {
    matches!(kind, Kind::Container | Kind::Process | Kind::Host)
}

pub(super) fn host_node(host: &str) -> Node {
    Node {
        host: Some(host.into()),
        ..Node::plain(Kind::Host, host.to_owned())
    }
}

/// Who is at the far end if only one half was seen, and the evidence if that adds some: a
/// container's own address does, a host's may be anybody's on it.
pub(super) fn far_end(external: &NodeId, holder: Option<&Holder<'_>>) -> (NodeId, Option<Join>) {
    match holder {
        Some(Holder {
            host,
            nodes,
            is_host,
        }) => match (&nodes[..], is_host) {
            ([node], false) => ((*node).clone(), Some(Join::Tuple)),
            ([], true) => (host_node(host).id, None),
            _ => (external.clone(), None),
        },
        None => (external.clone(), None),
    }
}
