//! Where connections are remembered: a table of our own, by the socket's address.
//!
//! The kernel's storage of a socket takes two allocations, each charged to a cgroup, and two RCU
//! callbacks to be freed: for a short connection that is more than all else that is done for it. A
//! slot of the table is taken by one exchange and left by another. A socket that finds its slot taken
//! has storage, and costs what that costs.
//!
//! A socket leaves its slot when it is destroyed. The tick knows it by its address only, so nobody
//! else gets the slot as long as the tick stands on it.

use core::mem::size_of;

use aya_ebpf::{bindings::BPF_F_MMAPABLE, btf_maps::Array, macros::btf_map};

use probe_ebpf::spread::spread;

use super::{Entry, Memory};
use crate::{
    atomic::{compare_swap, exchange},
    kernel::Address,
};

/// Slots, a power of two.
const SLOTS: usize = 8192;

/// In [`Slot::holder`]: nobody, or somebody who is about to say who.
const FREE: u64 = 0;
const TAKEN: u64 = 1;
// Beside a socket's address, which is a multiple of 8.
/// The tick stands on it.
const VISITED: u64 = 1;
/// The socket is gone; the tick is to free the slot.
const GONE: u64 = 2;

/// One connection's place: three cache lines, of which sends and receives touch the first.
#[repr(C, align(64))]
pub(crate) struct Slot {
    /// The `struct sock *`.
    holder: u64,
    memory: Memory,
}

/// What can be mapped begins with a page: the only way to have values aligned.
#[btf_map]
static TABLE: Array<Slot, SLOTS, { BPF_F_MMAPABLE as usize }> = Array::new();

/// What is remembered of the socket here, if anything is.
#[inline(always)]
pub(crate) fn find(socket: Address) -> Option<Entry> {
    let slot = slot(socket)?;
    // SAFETY: a live map value.
    unsafe {
        ((&raw const (*slot).holder).read_volatile() & !VISITED == socket.0)
            .then(|| Entry::new(&raw mut (*slot).memory))
    }
}

/// Gives a socket that has none a memory of zeroes; `None` if another is where it would be.
#[inline(always)]
pub(crate) fn take(socket: Address) -> Option<Entry> {
    let slot = slot(socket)?;
    // SAFETY: a live map value; whoever has taken it writes it alone.
    unsafe {
        if (&raw const (*slot).holder).read_volatile() != FREE
            || compare_swap(&raw mut (*slot).holder, FREE, TAKEN) != FREE
        {
            return None;
        }
        clear(&raw mut (*slot).memory);
        exchange(&raw mut (*slot).holder, socket.0);
        Some(Entry::new(&raw mut (*slot).memory))
    }
}

/// The socket is gone: what it had is anybody's.
#[inline(always)]
pub(crate) fn leave(socket: Address) {
    let Some(slot) = slot(socket) else {
        return;
    };
    let visited = socket.0 | VISITED;
    // The tick may come or go between two looks, but once a tick.
    for _ in 0..2 {
        // SAFETY: a live map value.
        let holder = unsafe { compare_swap(&raw mut (*slot).holder, socket.0, FREE) };
        if holder != visited {
            return;
        }
        // SAFETY: as above.
        let holder = unsafe { compare_swap(&raw mut (*slot).holder, visited, visited | GONE) };
        if holder == visited {
            return;
        }
    }
}

/// Word by word: what the compiler makes of an assignment is a call, and a loop over bytes.
///
/// # Safety
///
/// `memory` is live.
#[inline(always)]
unsafe fn clear(memory: *mut Memory) {
    for word in 0..size_of::<Memory>() / size_of::<u64>() {
        // SAFETY: by the caller's promise; all of it is integers, for which zero is a value.
        unsafe { memory.cast::<u64>().add(word).write_volatile(0) };
    }
}

const _: () = assert!(size_of::<Memory>().is_multiple_of(size_of::<u64>()));

#[inline(always)]
fn slot(socket: Address) -> Option<*mut Slot> {
    TABLE.get_ptr_mut((spread(socket.0) >> (64 - SLOTS.ilog2())) as u32)
}

impl Slot {
    /// Lets the tick stand on a slot: whose it is, and what is remembered there.
    ///
    /// # Safety
    ///
    /// `this` is live.
    #[inline(always)]
    pub(crate) unsafe fn visit(this: *mut Self) -> Option<(Address, Entry)> {
        // SAFETY: by the caller's promise.
        unsafe {
            let holder = (&raw const (*this).holder).read_volatile();
            if holder <= TAKEN
                || holder & (VISITED | GONE) != 0
                || compare_swap(&raw mut (*this).holder, holder, holder | VISITED) != holder
            {
                return None;
            }
            Some((Address(holder), Entry::new(&raw mut (*this).memory)))
        }
    }

    /// Whether the socket that the tick stands on is still there.
    ///
    /// # Safety
    ///
    /// `this` is live.
    #[inline(always)]
    pub(crate) unsafe fn is_held(this: *mut Self) -> bool {
        // SAFETY: by the caller's promise.
        unsafe { (&raw const (*this).holder).read_volatile() & GONE == 0 }
    }

    /// Lets the tick go on.
    ///
    /// # Safety
    ///
    /// `this` is live, and [`Self::visit`] has said that `socket` is there.
    #[inline(always)]
    pub(crate) unsafe fn go_on(this: *mut Self, socket: Address) {
        let visited = socket.0 | VISITED;
        // SAFETY: by the caller's promise.
        unsafe {
            if compare_swap(&raw mut (*this).holder, visited, socket.0) != visited {
                exchange(&raw mut (*this).holder, FREE);
            }
        }
    }
}
