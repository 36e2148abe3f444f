//! The pairs that talked last, on each CPU: to look one up in the map of all costs more than the rest
//! of what is done for a datagram.

use aya_ebpf::{btf_maps::PerCpuArray, macros::btf_map};

use super::{Known, Pair};
use crate::{
    atomic::{compare_swap, exchange},
    word,
};

/// Slots of a CPU, a power of two.
const SLOTS: usize = 256;
/// Uses of a slot after which the pair is looked up all the same: the map of all forgets those that
/// nobody looks up.
const USES: u64 = 64;

/// One pair. One program may be interrupted by another on its CPU, so it is read and written as by a
/// sequence lock.
#[repr(C)]
struct Slot {
    /// Odd while somebody writes.
    version: u64,
    uses: u64,
    pair: Pair,
    known: Known,
}

#[btf_map]
static RECENT: PerCpuArray<Slot, SLOTS> = PerCpuArray::new();

/// What is known of the two, if it is here.
#[inline(always)]
pub(super) fn find(pair: &Pair) -> Option<Known> {
    let slot = slot(pair)?;
    // SAFETY: a live map value; what was read while somebody wrote is thrown away.
    unsafe {
        let version = (&raw const (*slot).version).read_volatile();
        let same = word::same(&raw const (*slot).pair, pair);
        let known = (&raw const (*slot).known).read_volatile();
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
        (&raw mut (*slot).known).write_volatile(known);
        exchange(&raw mut (*slot).version, writing.wrapping_add(1));
    }
}

#[inline(always)]
fn slot(pair: &Pair) -> Option<*mut Slot> {
    // SAFETY: a pair is made of integers, without padding.
    let mixed = unsafe { word::mixed(pair) };
    RECENT.get_ptr_mut((mixed >> (64 - SLOTS.ilog2())) as u32)
}
