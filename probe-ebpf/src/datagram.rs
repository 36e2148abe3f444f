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
    socket::{Socket, words},
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

    #[inline(always)]
    fn is(&self, other: &Self) -> bool {
        let (own, others) = (words(self.address), words(other.address));
        own[0] == others[0] && own[1] == others[1] && self.port == other.port
    }
}

/// A peer, as the hook inside a call saw it.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Noted {
    pub(crate) peer: Peer,
    /// [`SENDS`] or [`RECEIVES`]; 0 when nothing was noted.
    way: u32,
    /// The thread has heard from this peer in a call whose end nobody saw: `fexit` does not see the end
    /// of a function that was entered before.
    answers: u32,
}

const SENDS: u32 = 1;
const RECEIVES: u32 = 2;

impl Noted {
    pub(crate) const NOTHING: Self = Self {
        peer: Peer::UNKNOWN,
        way: 0,
        answers: 0,
    };

    #[inline(always)]
    const fn new(peer: Peer, direction: Direction) -> Self {
        let way = match direction {
            Direction::Send => SENDS,
            Direction::Receive => RECEIVES,
        };
        Self {
            peer,
            way,
            answers: 0,
        }
    }

    /// Whether it was noted in such a call, not left by one before.
    #[inline(always)]
    pub(crate) const fn is_of(&self, direction: Direction) -> bool {
        self.way == Self::new(self.peer, direction).way
    }

    /// Whether it was left by a call that heard from `peer`.
    #[inline(always)]
    fn heard(&self, peer: &Peer) -> bool {
        self.way == RECEIVES && self.peer.is(peer)
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
static ADDRESSED: HashMap<u64, Noted, 4096> = HashMap::new();

/// Notes the peer of the call that the current thread is in.
#[inline(always)]
pub(crate) fn note(peer: &Peer, direction: Direction) {
    // SAFETY: the helper has no preconditions.
    let thread = unsafe { bpf_get_current_task() };
    let mut noted = Noted::new(*peer, direction);
    let is_first = ADDRESSED.insert(&thread, &noted, BPF_NOEXIST.into());
    if is_first.is_ok() {
        return;
    }
    // SAFETY: the value is read at once.
    if let Some(left) = unsafe { ADDRESSED.get(&thread) } {
        noted.answers = left.heard(peer).into();
    }
    // Full: the datagram's peer is not known, which is counted at the call's end.
    let _ = ADDRESSED.insert(&thread, &noted, 0);
}

/// What was noted in the call that ends, or what one before has left. Zeroes are no peer: of an
/// `Option` the compiler keeps what is not there, "R9 !read_ok".
#[inline(always)]
pub(crate) fn noted() -> Noted {
    // SAFETY: the helper has no preconditions.
    let thread = unsafe { bpf_get_current_task() };
    // SAFETY: the value is copied out at once.
    match unsafe { ADDRESSED.get(&thread) }.copied() {
        Some(noted) => {
            let _ = ADDRESSED.remove(&thread);
            noted
        }
        None => Noted::NOTHING,
    }
}

/// Counts one datagram sent or received.
#[inline(always)]
pub(crate) fn count(socket: Socket, call: &Call) -> Result<(), Loss> {
    let noted = noted();
    // A failed call has noted its peer all the same.
    if call.returned < 0 || !call.moves || !socket.is_in_view() {
        return Ok(());
    }
    let (peer, answers) = if noted.is_of(call.direction) {
        (noted.peer, noted.answers != 0)
    } else {
        let peer = connected_to(socket);
        (peer, noted.heard(&peer))
    };
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
        None => first(socket, &pair, call, answers)?,
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
