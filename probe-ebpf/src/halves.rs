//! What ties the two ends of a connection together: here at once, across hosts when graphs are
//! merged.

use aya_ebpf::{
    bindings::{BPF_F_NO_PREALLOC, BPF_NOEXIST},
    btf_maps::{HashMap, LruHashMap},
    macros::btf_map,
};
use probe_ebpf::{
    flow::MAX_FLOWS,
    half::{Half, Halves, SLOTS, rank},
};

use crate::flows::OTHER;

/// The client halves of fresh connections, waiting for the server half on this host. It comes
/// within a network round trip, or never when the server is on another host: least recently used
/// entries make room. A half that was pushed out leaves its connection joined by weaker evidence.
#[btf_map]
static HALVES: LruHashMap<Half, u64, 8192> = LruHashMap::new();

/// By flow id: of a client, and of a server whose client is on no flow here. User space takes out
/// what it retires, and reads the rest when a graph is wanted.
#[btf_map]
static KEPT: HashMap<u64, Halves, { 2 * MAX_FLOWS }, { BPF_F_NO_PREALLOC as usize }> =
    HashMap::new();

/// The stack has no room for them.
static NOTHING: Halves = Halves::NONE;

/// Remembers the client half of a connection until the server half asks for it.
#[inline(always)]
pub(crate) fn offer(half: Half, flow: u64) {
    if flow & OTHER != 0 {
        return;
    }
    // Cannot fail but for memory; then the connection is joined by weaker evidence.
    let _ = HALVES.insert(&half, &flow, 0);
    keep(half, flow);
}

/// The client flow that waits for the server half `half`, 0 if none does.
#[inline(always)]
pub(crate) fn take(half: Half) -> u64 {
    let other = half.swapped();
    // SAFETY: the value is copied out at once.
    let Some(flow) = (unsafe { HALVES.get(&other) }).copied() else {
        return 0;
    };
    let _ = HALVES.remove(&other);
    flow
}

/// Keeps the client's half of a connection of `flow`, if its rank is the lowest so far. A look in
/// the map and, after the first hundred connections, hardly ever a store.
#[inline(always)]
pub(crate) fn keep(half: Half, flow: u64) {
    if flow & OTHER != 0 {
        return;
    }
    let number = half.number();
    let (slot, lowest) = rank(number);
    let kept = KEPT.get_ptr_mut(&flow).or_else(|| {
        // Another CPU may be quicker. Else only memory lacks: then hosts are joined by address.
        let _ = KEPT.insert(&flow, &NOTHING, BPF_NOEXIST.into());
        KEPT.get_ptr_mut(&flow)
    });
    let Some(kept) = kept else {
        return;
    };
    // SAFETY: a live map value. A store that another CPU overtakes may leave the higher rank of
    // the two: one connection more that only one host has kept.
    unsafe {
        let place = (&raw mut (*kept).kept).cast::<u64>().add(slot % SLOTS);
        let before = place.read_volatile();
        if before == 0 || lowest < rank(before).1 {
            place.write_volatile(number);
        }
    }
}
