//! The pairs that talked last, on each CPU: to look one up in the map of all costs more than the rest
//! of what is done for a datagram.

use aya_ebpf::{
    bindings::BPF_F_MMAPABLE, btf_maps::Array, helpers::generated::bpf_get_smp_processor_id,
    macros::btf_map,
};
use probe_ebpf::{hot::PAIRS, spread::spread};

use super::{Known, Pair, Peer};
use crate::{
    atomic::{compare_swap, exchange},
    socket::words,
    word,
};

/// Uses of a slot after which the pair is looked up all the same: the map of all forgets those that
/// nobody looks up.
const USES: u32 = 64;

/// One pair. One program may be interrupted by another on its CPU, so it is read and written as by a
/// sequence lock. It is a cache line.
#[repr(C, align(64))]
struct Slot {
    /// Odd while somebody writes.
    version: u64,
    pair: Pair,
    flow: u64,
    role: u32,
    uses: u32,
}

const _: () = assert!(size_of::<Slot>() == 64);

/// Those of each CPU, one after the other, as user space makes room. What can be mapped begins with a
/// page: the only way to have values aligned.
#[btf_map]
static RECENT: Array<Slot, PAIRS, { BPF_F_MMAPABLE as usize }> = Array::new();

/// What is known of the two, if it is here.
#[inline(always)]
pub(super) fn find(pair: &Pair) -> Option<Known> {
    let slot = slot(pair)?;
    // SAFETY: a live map value; what was read while somebody wrote is thrown away.
    unsafe {
        let version = (&raw const (*slot).version).read_volatile();
        let same = word::same(&raw const (*slot).pair, pair);
        let known = Known {
            flow: (&raw const (*slot).flow).read_volatile(),
            role: (&raw const (*slot).role).read_volatile().into(),
        };
        let uses = (*slot).uses;
        (*slot).uses = uses.wrapping_add(1);
        (version.is_multiple_of(2)
            && same
            && !uses.is_multiple_of(USES)
            && (&raw const (*slot).version).read_volatile() == version)
            .then_some(known)
    }
}

/// Remembers a pair in the place of another.
#[inline(always)]
pub(super) fn remember(pair: &Pair, known: Known) {
    let Some(slot) = slot(pair) else {
        return;
    };
    // SAFETY: a live map value; whoever has made the version odd writes it alone.
    unsafe {
        let version = (&raw const (*slot).version).read_volatile();
        let writing = version.wrapping_add(1);
        if !version.is_multiple_of(2)
            || compare_swap(&raw mut (*slot).version, version, writing) != version
        {
            return; // the next datagram will
        }
        word::copy(&raw mut (*slot).pair, pair);
        (&raw mut (*slot).flow).write_volatile(known.flow);
        (&raw mut (*slot).role).write_volatile(known.role as u32);
        exchange(&raw mut (*slot).version, writing.wrapping_add(1));
    }
}

/// Where a CPU has the pair: numbers that are given out one after the other fall to places of their own,
/// as do the addresses of neighbours.
#[inline(always)]
fn slot(pair: &Pair) -> Option<*mut Slot> {
    let Peer { address, port, .. } = pair.peer;
    let [high, low] = words(address);
    let mixed = spread(pair.cookie.rotate_left(32) ^ high ^ low ^ u64::from(port));
    let number = (mixed >> (64 - PAIRS.ilog2())) as u32;
    // SAFETY: the helper has no preconditions.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    RECENT.get_ptr_mut(cpu.wrapping_mul(PAIRS as u32).wrapping_add(number))
}
