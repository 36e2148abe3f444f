//! What a thread is about to send to, or has just received from: the hook that knows the peer runs
//! inside the call, the one that knows what it moved at its end.
//!
//! Each thread has its place in a table. One that finds another there, which is in such a call at this
//! moment, is found in a map.

use aya_ebpf::{
    btf_maps::{Array, HashMap},
    helpers::generated::bpf_get_current_task,
    macros::btf_map,
};
use probe_ebpf::spread::spread;

use super::Peer;
use crate::{
    atomic::{compare_swap, exchange},
    call::Direction,
};

/// A peer, as the hook inside a call saw it.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Noted {
    pub(crate) peer: Peer,
    /// [`SENDS`] or [`RECEIVES`]; 0 when nothing was noted.
    way: u32,
    /// The thread has heard from this peer in a call whose end nobody saw: `fexit` does not see the end
    /// of a function that was entered before.
    pub(super) answers: u32,
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
    pub(super) fn heard(&self, peer: &Peer) -> bool {
        self.way == RECEIVES && self.peer.is(peer)
    }
}

/// Places, a power of two; so many lie together in memory, which spares page walks.
const PLACES: usize = 512;

/// In [`Place::thread`]: nobody.
const FREE: u64 = 0;

/// Where a thread leaves a note for itself.
#[repr(C)]
struct Place {
    /// Its `struct task_struct *`.
    thread: u64,
    /// Others have come while it was taken: theirs may be in [`ELSEWHERE`].
    crowded: u64,
    noted: Noted,
}

#[btf_map]
static NOTES: Array<Place, PLACES> = Array::new();

/// 1 from when a connected socket has moved a datagram that its peer was not the other end of.
#[btf_map]
static ASTRAY: Array<u64, 1> = Array::new();

/// The notes of threads that found their place taken.
#[btf_map]
static ELSEWHERE: HashMap<u64, Noted, 4096> = HashMap::new();

/// Whether the calls of connected sockets may have been noted: few programs name another peer than
/// theirs, or connect when there are datagrams of others to be received.
#[inline(always)]
pub(crate) fn also_if_connected() -> bool {
    // SAFETY: a live map value.
    ASTRAY
        .get_ptr(0)
        .is_some_and(|astray| unsafe { astray.read_volatile() != 0 })
}

/// Notes the peer of the call that the current thread is in, on a socket that is connected to
/// `connected`, if it is.
#[inline(always)]
pub(crate) fn note(peer: &Peer, connected: Option<&Peer>, direction: Direction) {
    if let Some(connected) = connected {
        if peer.is(connected) {
            return;
        }
        if let Some(astray) = ASTRAY.get_ptr_mut(0) {
            // SAFETY: a live map value, of which only this is written.
            unsafe { astray.write_volatile(1) };
        }
    }
    let mut noted = Noted::new(*peer, direction);
    noted.answers = self::noted().heard(peer).into();
    let thread = current();
    let Some(place) = place(thread) else {
        return;
    };
    // SAFETY: a live map value; whoever has taken it writes it alone.
    unsafe {
        if (&raw const (*place).thread).read_volatile() == FREE
            && compare_swap(&raw mut (*place).thread, FREE, thread) == FREE
        {
            (*place).noted = noted;
            return;
        }
        (&raw mut (*place).crowded).write_volatile(1);
    }
    // Full: the datagram's peer is not known, which is counted at the call's end.
    let _ = ELSEWHERE.insert(&thread, &noted, 0);
}

/// Takes what was noted in the call that ends, or what one before has left. Zeroes are no peer: of an
/// `Option` the compiler keeps what is not there, "R9 !read_ok".
#[inline(always)]
pub(crate) fn noted() -> Noted {
    let thread = current();
    let Some(place) = place(thread) else {
        return Noted::NOTHING;
    };
    // SAFETY: as above.
    unsafe {
        if (&raw const (*place).thread).read_volatile() == thread {
            let noted = (*place).noted;
            exchange(&raw mut (*place).thread, FREE);
            return noted;
        }
        if (&raw const (*place).crowded).read_volatile() == 0 {
            return Noted::NOTHING;
        }
    }
    // SAFETY: the value is copied out at once.
    match unsafe { ELSEWHERE.get(&thread) }.copied() {
        Some(noted) => {
            let _ = ELSEWHERE.remove(&thread);
            noted
        }
        None => Noted::NOTHING,
    }
}

#[inline(always)]
fn current() -> u64 {
    // SAFETY: the helper has no preconditions.
    unsafe { bpf_get_current_task() }
}

#[inline(always)]
fn place(thread: u64) -> Option<*mut Place> {
    NOTES.get_ptr_mut((spread(thread) >> (64 - PLACES.ilog2())) as u32)
}
