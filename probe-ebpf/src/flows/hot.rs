//! Flows that each CPU has at hand: found without a hash table.
//!
//! To find a flow by its key and its counters by its id are two searches in maps whose memory is in no
//! cache: for a short connection, most of what is done for it. So a flow that is used on a CPU gets a
//! slot there, if the one that its key falls to is free, and counts in it from then on. What user space
//! reads is the sum of both.
//!
//! A slot is its flow's until user space has retired the flow: it marks the slot, so that nobody finds
//! it any more, and empties it when nobody can be about to count.

use aya_ebpf::{
    bindings::BPF_F_MMAPABLE, btf_maps::Array, helpers::generated::bpf_get_smp_processor_id,
    macros::btf_map,
};
use probe_ebpf::{
    flow::{FlowCounters, FlowKey},
    hot::{HotFlow, SLOTS},
};

use crate::{atomic::compare_swap, word};

/// Those of each CPU, one after the other: user space makes room for as many CPUs as there can be.
#[btf_map]
static HOT: Array<HotFlow, SLOTS, { BPF_F_MMAPABLE as usize }> = Array::new();

/// No flow's.
const FREE: u64 = 0;

/// Where in each CPU's slots a flow may be: the low bits of its id.
#[inline(always)]
pub(super) fn number(key: &FlowKey) -> u64 {
    // SAFETY: a key is made of integers, without padding.
    unsafe { word::mixed(key) >> (64 - SLOTS.ilog2()) }
}

/// The flow of that key, its slot's number given, if this CPU has it at hand.
#[inline(always)]
pub(super) fn find(key: &FlowKey, number: u64) -> Option<(u64, *mut FlowCounters)> {
    let slot = slot(number)?;
    // SAFETY: a live map value. A key is written after the id, word by word: until it is whole it is
    // nobody's.
    unsafe {
        let id = (&raw const (*slot).id).read_volatile();
        if id == FREE || id & HotFlow::RETIRED != 0 || !word::same(&raw const (*slot).key, key) {
            return None;
        }
        Some((id, &raw mut (*slot).counters))
    }
}

/// The flow's slot, if it has one. What has no flow yet asks for that of none.
#[inline(always)]
pub(super) fn of(id: u64) -> Option<*mut HotFlow> {
    if id == FREE {
        return None;
    }
    let slot = slot(id % SLOTS as u64)?;
    // SAFETY: a live map value.
    (unsafe { (&raw const (*slot).id).read_volatile() } == id).then_some(slot)
}

/// Gives a flow that lives a slot, if its slot is free.
#[inline(always)]
pub(super) fn take(id: u64) -> Option<*mut HotFlow> {
    let slot = slot(id % SLOTS as u64)?;
    // SAFETY: a live map value; user space has left it empty.
    unsafe {
        ((&raw const (*slot).id).read_volatile() == FREE
            && compare_swap(&raw mut (*slot).id, FREE, id) == FREE)
            .then_some(slot)
    }
}

/// Lets a flow that has a slot be found there by its key.
///
/// # Safety
///
/// `slot` is live, and the flow's own.
#[inline(always)]
pub(super) unsafe fn name(slot: *mut HotFlow, key: &FlowKey) {
    // SAFETY: by the caller's promise, and as above.
    unsafe { word::copy(&raw mut (*slot).key, key) };
}

/// A slot of this CPU.
#[inline(always)]
fn slot(number: u64) -> Option<*mut HotFlow> {
    // SAFETY: the helper has no preconditions.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    HOT.get_ptr_mut(cpu.wrapping_mul(SLOTS as u32).wrapping_add(number as u32))
}
