//! Unix sockets: both ends know the one that listens, by its address.
//!
//! An accepted socket shares the address object of its listener, and a client has its other end one
//! pointer away. So the address's place in memory and the key of its path, the same on both ends,
//! join them. The socket's own cgroup is no help: an accepted one is made by its client's `connect`.
//! Who calls is who owns.

use core::ffi::c_void;

use aya_ebpf::{
    bindings::BPF_NOEXIST,
    btf_maps::LruHashMap,
    helpers::generated::{bpf_probe_read_kernel, bpf_skc_to_unix_sock},
    macros::btf_map,
};
use probe_ebpf::{
    flow::{FlowCounters, FlowKey, MAX_PATHS, PATH_WORDS, PROTOCOL_UNIX, ROLE_CLIENT, ROLE_SERVER},
    loss::Loss,
};

use crate::{
    atomic::add,
    call::{Call, Direction},
    flows,
    kernel::{
        Address, Process, UNIX_ADDRESS, UNIX_ADDRESS_HOLDERS, UNIX_ADDRESS_LEN, UNIX_ADDRESS_NAME,
        UNIX_PEER,
    },
    memory::{Entry, STAGE_UNIX},
    socket::{Socket, bytes},
};

/// `sun_path`, what is behind it zeroed; an abstract one begins with a zero.
type Path = [u64; PATH_WORDS];

/// What precedes `sun_path` in `struct sockaddr_un`.
const FAMILY_LEN: u32 = 2;
/// The most that `sun_path` holds.
const PATH_LEN: u32 = 108;

/// Paths by their key, read by user space at the next tick: a path that so many others pushed out
/// until then leaves its flow without.
#[btf_map]
static PATHS: LruHashMap<u64, Path, MAX_PATHS> = LruHashMap::new();

/// Counts one call.
#[inline(always)]
pub(crate) fn count(socket: Socket, call: &Call) -> Result<(), Loss> {
    let Some(entry) = socket.lasting_memory() else {
        return first(socket, call);
    };
    // SAFETY: a live entry.
    let counters = match flows::counters(unsafe { (*entry.as_ptr()).flow }) {
        Some(counters) => counters,
        // The flow was retired while the socket was silent.
        None => match join(socket, entry, call.direction)? {
            Some(counters) => counters,
            None => return Ok(()),
        },
    };
    // SAFETY: a live map value.
    unsafe { call.count(counters) };
    Ok(())
}

/// Counts the first call on a socket.
#[inline(always)]
fn first(socket: Socket, call: &Call) -> Result<(), Loss> {
    let entry = socket.lasting_memory_or_new()?;
    let Some(counters) = join(socket, entry, call.direction)? else {
        return Ok(());
    };
    // SAFETY: a live map value.
    unsafe {
        add(&raw mut (*counters).opened, 1);
        call.count(counters);
    }
    Ok(())
}

/// Gives the socket its flow; `None` for one of a `socketpair`, which is within one program's family.
#[inline(always)]
fn join(
    socket: Socket,
    entry: Entry,
    direction: Direction,
) -> Result<Option<*mut FlowCounters>, Loss> {
    // SAFETY: a live entry.
    unsafe { (*entry.as_ptr()).stage = STAGE_UNIX };
    let Some((role, listener)) = ends(socket, direction).filter(|_| socket.is_in_view()) else {
        return Ok(None);
    };
    if listener.is_null() {
        return Err(Loss::PeerUnknown);
    }
    let process = Process::current();
    let key = FlowKey {
        cgroup: process.cgroup,
        peer: 0,
        local: bytes([Address::of(listener).0, remember_path(listener)]),
        remote: [0; 16],
        comm: process.comm,
        netns: socket.netns(),
        port: 0,
        protocol: PROTOCOL_UNIX,
        role,
    };
    let flow = flows::find_or_make(&key)?;
    // SAFETY: a live entry, and a live map value.
    unsafe {
        (*entry.as_ptr()).flow = flow.id;
        (*flow.counters).last_pid = process.pid;
    }
    Ok(Some(flow.counters))
}

/// Which end the socket is, and the address of the one that listens; `None` when no end has one.
#[inline(always)]
pub(crate) fn ends(socket: Socket, direction: Direction) -> Option<(u8, *const c_void)> {
    // SAFETY: a socket, by `Socket::new`.
    let unix = unsafe { as_unix(socket.as_ptr()) };
    if unix.is_null() {
        return None;
    }
    // SAFETY: the helper vouches for the type. A peer that goes meanwhile reads as zeroes.
    let (own, peer) = unsafe { (UNIX_ADDRESS.follow(unix), UNIX_PEER.follow(unix)) };
    if peer.is_null() {
        // A datagram socket that many send to, or one that sends to somebody else each time.
        return Some(if own.is_null() {
            (ROLE_CLIENT, own)
        } else {
            (ROLE_SERVER, own)
        });
    }
    // SAFETY: the peer of a unix socket is one. "access beyond struct sock at off 784 size 8": it is
    // kept as any socket.
    let peer = unsafe { as_unix(peer) };
    if peer.is_null() {
        return None;
    }
    // SAFETY: as above.
    let theirs = unsafe { UNIX_ADDRESS.follow(peer) };
    match (own.is_null(), theirs.is_null()) {
        (true, true) => None,
        (true, false) => Some((ROLE_CLIENT, theirs)),
        (false, true) => Some((ROLE_SERVER, own)),
        // A client may have bound itself too. A datagram socket that is connected is a client; of a
        // stream, the accepted end shares its address with the listener.
        (false, false) if socket.is_datagram() => Some((ROLE_CLIENT, theirs)),
        (false, false) => {
            // SAFETY: both are addresses.
            let (mine, other) = unsafe {
                (
                    UNIX_ADDRESS_HOLDERS.read(own),
                    UNIX_ADDRESS_HOLDERS.read(theirs),
                )
            };
            // With the listener gone nothing tells them apart but who speaks first.
            let client = mine < other || (mine == other && matches!(direction, Direction::Send));
            Some(if client {
                (ROLE_CLIENT, theirs)
            } else {
                (ROLE_SERVER, own)
            })
        }
    }
}

/// The same socket as a `struct unix_sock`; null if it is none.
///
/// # Safety
///
/// `sk` is a `struct sock *` that the verifier knows.
#[inline(always)]
unsafe fn as_unix(sk: *const c_void) -> *const c_void {
    // SAFETY: by the caller's promise.
    unsafe { bpf_skc_to_unix_sock(sk.cast_mut()) }
        .cast_const()
        .cast()
}

/// Copies the path of `address` to `to`, and gives its length.
///
/// # Safety
///
/// `to` is valid for a whole path.
#[inline(always)]
pub(crate) unsafe fn copy_path(address: *const c_void, to: *mut Path) -> u32 {
    // SAFETY: a `struct unix_address`.
    let len = unsafe { UNIX_ADDRESS_LEN.read(address) }.wrapping_sub(FAMILY_LEN);
    let len = if len > PATH_LEN { PATH_LEN } else { len };
    // SAFETY: a path is longer than `PATH_LEN`, by the caller's promise; the helper checks the source.
    unsafe {
        let name = address.byte_add(UNIX_ADDRESS_NAME.offset() + FAMILY_LEN as usize);
        bpf_probe_read_kernel(to.cast(), len, name);
    }
    len
}

/// Keeps the path for user space and returns its key.
#[inline(always)]
fn remember_path(address: *const c_void) -> u64 {
    let mut path: Path = [0; PATH_WORDS];
    // SAFETY: it is a whole path.
    unsafe { copy_path(address, &raw mut path) };
    // FNV-1a, word by word: http://www.isthe.com/chongo/tech/comp/fnv/
    let mut key: u64 = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < PATH_WORDS {
        key = (key ^ path[index]).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    let _ = PATHS.insert(&key, &path, BPF_NOEXIST.into());
    key
}
