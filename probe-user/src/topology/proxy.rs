//! Proxies that are processes: docker-proxy stands between a client and a published port's server,
//! and both of its connections carry the same bytes.
//!
//! Its command line names the container it forwards to, so the two edges are folded into one, with
//! the client's figures. Where that line could not be read, or where two containers answer at the
//! address it names, the edges stay as they were seen.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use super::{
    join::{Conversation, Join},
    listener::Listener,
};
use crate::{
    identity::{Workload, Workloads, proxy},
    kernel::flows::{Counts, Flow},
};

/// Where proxies connect to.
type Backend = (IpAddr, Listener);

/// The conversations without the proxies between them.
#[must_use]
pub fn fold(mut conversations: Vec<Conversation>, workloads: &impl Workloads) -> Vec<Conversation> {
    // What proxies say to their backends, by place in the list.
    let mut carried: HashMap<Backend, Vec<usize>> = HashMap::new();
    let mut unknown = false;
    for (index, conversation) in conversations.iter().enumerate() {
        if let Some(backend) = backend(conversation) {
            carried.entry(backend).or_default().push(index);
        }
        unknown |= conversation.forward.is_none() && is_proxy(&conversation.target);
    }
    let mut folded: HashMap<Backend, Counts> = HashMap::new();
    for index in 0..conversations.len() {
        let Some(forward) = conversations[index].forward else {
            continue;
        };
        let listener = match conversations[index].listener {
            Listener::Tcp(_) => Listener::Tcp(forward.port),
            Listener::Udp(_) => Listener::Udp(forward.port),
            Listener::Unix(_) | Listener::Other => continue,
        };
        let backend = (forward.address, listener);
        let behind = carried.get(&backend).map_or(&[][..], Vec::as_slice);
        if let Some((target, server)) = server(&backend, behind, &conversations, workloads) {
            *folded.entry(backend.clone()).or_default() += conversations[index].counts;
            let conversation = &mut conversations[index];
            conversation.target = target;
            conversation.server = server;
            conversation.listener = backend.1;
            conversation.join = Join::Proxy;
            conversation.forward = None;
        }
    }
    let mut gone = vec![false; conversations.len()];
    for (backend, mut counts) in folded {
        for index in carried.remove(&backend).into_iter().flatten() {
            let own = conversations[index].counts;
            let left = rest(own, counts, unknown);
            counts = counts.saturating_sub(own);
            conversations[index].counts = left;
            gone[index] = left.is_zero();
        }
    }
    let mut gone = gone.into_iter();
    conversations.retain(|_| !gone.next().unwrap_or(false));
    conversations
}

/// Who answers at the address that the proxy names, and its end if it was seen: one alone.
fn server(
    (address, listener): &Backend,
    behind: &[usize],
    conversations: &[Conversation],
    workloads: &impl Workloads,
) -> Option<(Workload, Option<Arc<Flow>>)> {
    let Some((first, others)) = behind.split_first() else {
        let here = workloads.at(*address);
        return matches!(here, Workload::Container(_)).then_some((here, None));
    };
    let first = &conversations[*first];
    let same = |index: &usize| {
        let other = &conversations[*index];
        other.target == first.target && other.listener == first.listener
    };
    let one = others.iter().all(same) && first.listener == *listener;
    one.then(|| (first.target.clone(), first.server.clone()))
}

/// What of a proxy's edge to its server is told by no folded one: failed connects, of which the
/// client knows nothing, and, if some proxies' lines could not be read, what those carried.
fn rest(own: Counts, folded: Counts, unknown: bool) -> Counts {
    let left = own.saturating_sub(folded);
    if unknown && left.existing + left.opened > 0 {
        return left;
    }
    Counts {
        failed: own.failed,
        ..Counts::default()
    }
}

fn is_proxy(workload: &Workload) -> bool {
    matches!(workload, Workload::Process(command) if &**command == proxy::COMMAND)
}

/// Where the conversation goes, if a proxy began it.
fn backend(conversation: &Conversation) -> Option<Backend> {
    let flow = conversation.client.as_ref()?;
    is_proxy(&conversation.source).then(|| (flow.remote, Listener::from(&flow.service)))
}

#[cfg(test)]
mod tests;
