//! Flows made by hand.

use std::sync::Arc;

use crate::{
    ids::{CgroupId, FlowId, NetNs},
    kernel::flows::{Counts, Flow, FlowDelta, Role, Service},
};

pub(crate) fn flow(command: &str, role: Role, local: &str, remote: &str, port: u16) -> Flow {
    Flow {
        cgroup: CgroupId(1),
        command: command.to_owned(),
        role,
        peer: None,
        netns: NetNs(1),
        local: local.parse().unwrap(),
        remote: remote.parse().unwrap(),
        service: Service::Tcp(port),
    }
}

pub(crate) fn with_peer(flow: Flow, peer: u64) -> Flow {
    Flow {
        peer: Some(FlowId(peer)),
        ..flow
    }
}

pub(crate) fn counts(opened: u64, bytes_sent: u64, bytes_received: u64) -> Counts {
    Counts {
        opened,
        closed: opened,
        sends: opened,
        receives: opened,
        bytes_sent,
        bytes_received,
        ..Counts::default()
    }
}

pub(crate) fn delta(id: u64, flow: &Flow, counts: Counts) -> FlowDelta {
    FlowDelta {
        id: FlowId(id),
        flow: Arc::new(flow.clone()),
        counts,
        pid: None,
    }
}
