//! UDP: whom each datagram is for, or from.
//!
//! A socket may talk to many. Each pair of a socket and a peer is looked over once, at its first
//! datagram, and remembered in `PEERS` with its flow; whoever sent first is the client.

mod noted;
mod recent;

use aya_ebpf::{bindings::BPF_NOEXIST, btf_maps::LruHashMap, macros::btf_map};
use probe_ebpf::{
    flow::{FlowCounters, PROTOCOL_UDP, ROLE_CLIENT, ROLE_SERVER},
    loss::Loss,
};

use crate::{
    atomic::add,
    call::{Call, Direction},
    flows,
    kernel::Process,
    socket::{Socket, words},
};
pub(crate) use noted::{Noted, note, noted};

/// The far end of a datagram; zeroes when nobody asked who it is.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) address: [u8; 16],
    /// In host byte order.
    pub(crate) port: u16,
    // Always 0; no array, which the compiler clears by a call.
    pad: u16,
    more_pad: u32,
}

impl Peer {
    const UNKNOWN: Self = Self::new([0; 16], 0);

    pub(crate) const fn new(address: [u8; 16], port: u16) -> Self {
        Self {
            address,
            port,
            pad: 0,
            more_pad: 0,
        }
    }

    #[inline(always)]
    fn is(&self, other: &Self) -> bool {
        let (own, others) = (words(self.address), words(other.address));
        own[0] == others[0] && own[1] == others[1] && self.port == other.port
    }
}

/// A socket and one of its peers.
#[repr(C)]
#[derive(Clone, Copy)]
struct Pair {
    /// The kernel's number for the socket, never used twice.
    cookie: u64,
    peer: Peer,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Known {
    flow: u64,
    role: u64,
}

/// The pairs there are. One that 16,384 others pushed out is new when it talks again: one more
/// connection is counted, and no byte less.
#[btf_map]
static PEERS: LruHashMap<Pair, Known, 16_384> = LruHashMap::new();

/// Counts one datagram sent or received, and gives the far end's port: 0 when none was counted.
#[inline(always)]
pub(crate) fn count(socket: Socket, call: &Call) -> Result<u16, Loss> {
    // A failed call has noted its peer all the same.
    let noted = if socket.is_connected() && !noted::also_if_connected() {
        Noted::NOTHING
    } else {
        noted()
    };
    if call.returned < 0 || !call.moves || !socket.is_in_view() {
        return Ok(0);
    }
    let (peer, answers) = if noted.is_of(call.direction) {
        (noted.peer, noted.answers != 0)
    } else {
        let peer = connected_to(socket);
        (peer, noted.heard(&peer))
    };
    let pair = Pair {
        cookie: socket.cookie(),
        peer,
    };
    let counters = match known(&pair) {
        Some(known) => match flows::counters(known.flow) {
            Some(counters) => counters,
            // The flow was retired while the pair was silent.
            None => join(socket, &pair, known.role as u8)?,
        },
        None => first(socket, &pair, call, answers)?,
    };
    // SAFETY: a live map value.
    unsafe { call.count(counters) };
    Ok(peer.port)
}

/// What is known of the two, if they have talked.
#[inline(always)]
fn known(pair: &Pair) -> Option<Known> {
    if let Some(known) = recent::find(pair) {
        return Some(known);
    }
    // SAFETY: the value is copied out at once.
    let known = unsafe { PEERS.get(pair) }.copied()?;
    recent::remember(pair, known);
    Some(known)
}

/// Whom a connected socket talks to.
#[inline(always)]
pub(crate) fn connected_to(socket: Socket) -> Peer {
    match socket.remote() {
        // An unspecified IPv4 address is not all zeroes in its mapped form.
        None | Some((_, 0)) => Peer::UNKNOWN,
        Some((address, port)) => Peer::new(address, port),
    }
}

/// The first datagram between the two.
#[inline(always)]
fn first(
    socket: Socket,
    pair: &Pair,
    call: &Call,
    answers: bool,
) -> Result<*mut FlowCounters, Loss> {
    let role = match call.direction {
        Direction::Send if !answers => ROLE_CLIENT,
        _ => ROLE_SERVER,
    };
    if pair.peer.port == 0 && role == ROLE_CLIENT {
        return Err(Loss::PeerUnknown);
    }
    let counters = join(socket, pair, role)?;
    // SAFETY: a live map value.
    unsafe { add(&raw mut (*counters).opened, 1) };
    Ok(counters)
}

/// Gives the pair its flow.
#[inline(always)]
fn join(socket: Socket, pair: &Pair, role: u8) -> Result<*mut FlowCounters, Loss> {
    let process = Process::current();
    let Peer { address, port, .. } = pair.peer;
    let key = socket
        .flow_key_to(role, &process, PROTOCOL_UDP, address, port)
        .ok_or(Loss::PeerUnknown)?;
    let flow = flows::find_or_make(&key)?;
    let known = Known {
        flow: flow.id,
        role: role.into(),
    };
    // Fails only for memory: then the next datagram is a first one again.
    let _ = PEERS.insert(pair, &known, 0);
    recent::remember(pair, known);
    if role == ROLE_CLIENT {
        // A client that does not ask who answers hears from whom it spoke to first.
        let anybody = Pair {
            peer: Peer::UNKNOWN,
            ..*pair
        };
        let _ = PEERS.insert(&anybody, &known, BPF_NOEXIST.into());
    }
    // SAFETY: a live map value.
    unsafe { (*flow.counters).last_pid = process.pid };
    Ok(flow.counters)
}
