//! UDP: whom each datagram is for, or from.
//!
//! A socket may talk to many. Each pair of a socket and a peer is looked over once, at its first
//! datagram, and remembered in `PEERS` with its flow; whoever sent first is the client.

use aya_ebpf::{
    bindings::BPF_NOEXIST,
    btf_maps::{HashMap, LruHashMap},
    helpers::generated::{bpf_get_current_task, bpf_get_socket_cookie},
    macros::btf_map,
};
use probe_ebpf::{
    flow::{FlowCounters, PROTOCOL_UDP, ROLE_CLIENT, ROLE_SERVER},
    loss::Loss,
};

use crate::{
    atomic::add,
    call::{Call, Direction},
    flows,
    kernel::Process,
    socket::Socket,
};

/// The far end of a datagram; zeroes when nobody asked who it is.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) address: [u8; 16],
    /// In host byte order.
    pub(crate) port: u16,
    pub(crate) pad: [u16; 3],
}

impl Peer {
    const UNKNOWN: Self = Self::new([0; 16], 0);

    pub(crate) const fn new(address: [u8; 16], port: u16) -> Self {
        Self {
            address,
            port,
            pad: [0; 3],
        }
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

/// What a thread is about to send to, or has just received from: the hook that knows the peer runs
/// inside the call, the one that knows what it moved at its end. One entry a thread that is in such
/// a call at this moment.
#[btf_map]
static ADDRESSED: HashMap<u64, Peer, 4096> = HashMap::new();

/// Notes the peer of the call that the current thread is in.
#[inline(always)]
pub(crate) fn note(peer: &Peer) {
    // SAFETY: the helper has no preconditions.
    let thread = unsafe { bpf_get_current_task() };
    // Full: the datagram's peer is not known, which is counted at the call's end.
    let _ = ADDRESSED.insert(&thread, peer, 0);
}

/// The peer of the call that ends, if it was given one.
#[inline(always)]
pub(crate) fn noted() -> Option<Peer> {
    // SAFETY: the helper has no preconditions.
    let thread = unsafe { bpf_get_current_task() };
    // SAFETY: the value is copied out at once.
    let peer = unsafe { ADDRESSED.get(&thread) }.copied()?;
    let _ = ADDRESSED.remove(&thread);
    Some(peer)
}

/// Counts one datagram sent or received.
#[inline(always)]
pub(crate) fn count(socket: Socket, call: &Call) -> Result<(), Loss> {
    let noted = noted();
    // A failed call has noted its peer all the same.
    if call.returned < 0 || !call.moves || !socket.is_in_view() {
        return Ok(());
    }
    let peer = noted.unwrap_or_else(|| connected_to(socket));
    let pair = Pair {
        // SAFETY: a socket, by `Socket::new`.
        cookie: unsafe { bpf_get_socket_cookie(socket.as_ptr().cast_mut()) },
        peer,
    };
    // SAFETY: the value is copied out at once.
    let counters = match unsafe { PEERS.get(&pair) }.copied() {
        Some(known) => match flows::counters(known.flow) {
            Some(counters) => counters,
            // The flow was retired while the pair was silent.
            None => join(socket, &pair, known.role as u8)?,
        },
        None => first(socket, &pair, call)?,
    };
    // SAFETY: a live map value.
    unsafe { call.count(counters) };
    Ok(())
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
fn first(socket: Socket, pair: &Pair, call: &Call) -> Result<*mut FlowCounters, Loss> {
    let role = match call.direction {
        Direction::Send => ROLE_CLIENT,
        Direction::Receive => ROLE_SERVER,
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
        flow,
        role: role.into(),
    };
    // Fails only for memory: then the next datagram is a first one again.
    let _ = PEERS.insert(pair, &known, 0);
    if role == ROLE_CLIENT {
        // A client that does not ask who answers hears from whom it spoke to first.
        let anybody = Pair {
            peer: Peer::UNKNOWN,
            ..*pair
        };
        let _ = PEERS.insert(&anybody, &known, BPF_NOEXIST.into());
    }
    let counters = flows::counters(flow).ok_or(Loss::CountersGone)?;
    // SAFETY: a live map value.
    unsafe { (*counters).last_pid = process.pid };
    Ok(counters)
}
