//! Who listens where: an accepted socket is made in an interrupt, and all it tells of its owner is
//! where it was accepted.

use aya_ebpf::{btf_maps::LruHashMap, macros::btf_map};
use probe_ebpf::flow::COMM_LEN;

use crate::{
    kernel::Process,
    socket::{Socket, mapped},
};

/// What an accepted socket has of its listener.
#[repr(C)]
#[derive(Clone, Copy)]
struct Place {
    cgroup: u64,
    address: [u8; 16],
    netns: u32,
    /// In host byte order; 0 if the kernel is yet to choose one.
    port: u16,
    /// What an IPv6 listener accepts is IPv6, whoever connects.
    ipv6: u16,
}

/// Whose the listener is.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) comm: [u8; COMM_LEN],
    /// Thread group id, 0 when not known.
    pub(crate) pid: u32,
    pad: u32,
}

impl Owner {
    const UNKNOWN: Self = Self {
        comm: [0; COMM_LEN],
        pid: 0,
        pad: 0,
    };
}

/// Of several listeners that share a place, the last. One that 4,096 others pushed out leaves its
/// server without a command: the cgroup is the socket's own all the same.
#[btf_map]
static OWNERS: LruHashMap<Place, Owner, 4096> = LruHashMap::new();

/// From now on `owner` listens where the socket is bound.
#[inline(always)]
pub(crate) fn remember(listener: Socket, owner: &Process) {
    let Some(place) = place(listener) else {
        return;
    };
    let owner = Owner {
        comm: owner.comm,
        pid: owner.pid,
        ..Owner::UNKNOWN
    };
    // Fails only for memory: as if it had been pushed out.
    let _ = OWNERS.insert(&place, &owner, 0);
}

/// Who listens where the socket was accepted: at its address or any, at its port or one that was still
/// to be chosen.
#[inline(always)]
pub(crate) fn owner(accepted: Socket) -> Owner {
    let Some(mut place) = place(accepted) else {
        return Owner::UNKNOWN;
    };
    let mut found = OWNERS.get_ptr(&place);
    if found.is_none() {
        place.address = if place.ipv6 != 0 { [0; 16] } else { mapped(0) };
        found = OWNERS.get_ptr(&place);
    }
    if found.is_none() {
        place.port = 0;
        found = OWNERS.get_ptr(&place);
    }
    // SAFETY: a live map value, copied out at once.
    found.map_or(Owner::UNKNOWN, |owner| unsafe { *owner })
}

#[inline(always)]
fn place(socket: Socket) -> Option<Place> {
    let (address, _) = socket.addresses()?;
    Some(Place {
        cgroup: socket.cgroup(),
        address,
        netns: socket.netns(),
        port: socket.local_port(),
        ipv6: socket.is_ipv6().into(),
    })
}
