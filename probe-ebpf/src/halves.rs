//! What ties the two ends of a connection together: here at once, across hosts when graphs are
//! merged.

use aya_ebpf::{
    bindings::{BPF_F_NO_PREALLOC, BPF_NOEXIST},
    btf_maps::{Array, HashMap},
    macros::btf_map,
};
use probe_ebpf::{
    flow::MAX_FLOWS,
    half::{Half, Halves, SLOTS, rank},
};

use crate::{
    atomic::{compare_swap, exchange, fetch_add},
    flows::{self, OTHER},
};

/// Buckets of [`WAITING`], a power of two.
const BUCKETS: usize = 2048;
/// Places of a bucket, a power of two.
const WAYS: usize = 4;

/// No half is waiting in the place.
const FREE: u64 = 0;
/// Somebody writes or empties the place.
const CLAIMED: u64 = 1;

/// Where the client half of a fresh connection waits.
#[repr(C)]
struct Place {
    /// The client's [`Half::number`], [`FREE`] or [`CLAIMED`].
    number: u64,
    /// Its flow.
    flow: u64,
}

/// Those whose numbers are mixed into the same few bits.
#[repr(C)]
struct Bucket {
    /// How many have come: each takes the place of the oldest.
    come: u64,
    places: [Place; WAYS],
}

/// The client halves of fresh connections, waiting for the server half on this host. It comes
/// within a network round trip, or never when the server is on another host: the oldest of a
/// bucket makes room. A half that was pushed out leaves its connection joined by weaker evidence;
/// that takes four more connections of the same 2,048th within its round trip.
///
/// A hash of our own, for each half is put in and taken out once: the kernel's costs four times as
/// much, most of it to keep a list in order.
#[btf_map]
static WAITING: Array<Bucket, BUCKETS> = Array::new();

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
    let number = half.number();
    if flow & OTHER != 0 || number <= CLAIMED {
        return;
    }
    let Some(bucket) = bucket(number) else {
        return;
    };
    // SAFETY: a live map value; whoever has claimed a place writes it alone.
    unsafe {
        let come = fetch_add(&raw mut (*bucket).come, 1) as usize;
        let place = (&raw mut (*bucket).places).cast::<Place>().add(come % WAYS);
        let oldest = (&raw const (*place).number).read_volatile();
        if oldest == CLAIMED || compare_swap(&raw mut (*place).number, oldest, CLAIMED) != oldest {
            return; // overtaken by four others: as if they had pushed it out
        }
        (&raw mut (*place).flow).write_volatile(flow);
        exchange(&raw mut (*place).number, number);
    }
}

/// The client flow that waits for the server half `half`, 0 if none does.
#[inline(always)]
pub(crate) fn take(half: Half) -> u64 {
    let number = half.swapped().number();
    let Some(bucket) = bucket(number) else {
        return 0;
    };
    for way in 0..WAYS {
        // SAFETY: as above.
        unsafe {
            let place = (&raw mut (*bucket).places).cast::<Place>().add(way);
            if (&raw const (*place).number).read_volatile() == number
                && compare_swap(&raw mut (*place).number, number, CLAIMED) == number
            {
                let flow = (&raw const (*place).flow).read_volatile();
                exchange(&raw mut (*place).number, FREE);
                return flow;
            }
        }
    }
    0
}

#[inline(always)]
fn bucket(number: u64) -> Option<*mut Bucket> {
    let (_, mixed) = rank(number);
    WAITING.get_ptr_mut((mixed % BUCKETS as u64) as u32)
}

/// Keeps the client's half of a connection of `flow`, if its rank is the lowest so far; gives all that
/// the flow has kept.
#[inline(always)]
pub(crate) fn keep(half: Half, flow: u64) -> Option<*mut Halves> {
    if flow & OTHER != 0 {
        return None;
    }
    let number = half.number();
    let (slot, lowest) = rank(number);
    let kept = KEPT.get_ptr_mut(&flow).or_else(|| {
        // Another CPU may be quicker. Else only memory lacks: then hosts are joined by address.
        let _ = KEPT.insert(&flow, &NOTHING, BPF_NOEXIST.into());
        KEPT.get_ptr_mut(&flow)
    })?;
    // SAFETY: a live map value. A store that another CPU overtakes may leave the higher rank of
    // the two: one connection more that only one host has kept.
    unsafe {
        let place = (&raw mut (*kept).kept).cast::<u64>().add(slot % SLOTS);
        let before = place.read_volatile();
        if before == 0 || lowest < rank(before).1 {
            place.write_volatile(number);
        }
    }
    Some(kept)
}

/// The same for one of many that follow each other. After the first hundred, hardly any is kept: that
/// the flow's slot tells, without a look in the map.
#[inline(always)]
pub(crate) fn keep_of_many(half: Half, flow: u64) {
    let hot = flows::slot(flow);
    // SAFETY: a live map value.
    let bound = hot.map_or(0, |hot| unsafe { (*hot).bound });
    if bound != 0 && height(rank(half.number()).1) >= bound {
        return;
    }
    if let (Some(kept), Some(hot)) = (keep(half, flow), hot) {
        // SAFETY: live map values.
        unsafe { (*hot).bound = highest(kept) };
    }
}

/// A rank within its slot.
#[inline(always)]
const fn height(rank: u64) -> u64 {
    rank << SLOTS.ilog2()
}

/// What a connection of no lower rank is not kept for: the highest of the slots' lowest.
///
/// # Safety
///
/// `kept` is live.
#[inline(always)]
unsafe fn highest(kept: *const Halves) -> u64 {
    let mut highest = 1;
    for slot in 0..SLOTS {
        // SAFETY: by the caller's promise.
        let number = unsafe {
            (&raw const (*kept).kept)
                .cast::<u64>()
                .add(slot)
                .read_volatile()
        };
        if number == 0 {
            return u64::MAX;
        }
        let height = height(rank(number).1);
        if height > highest {
            highest = height;
        }
    }
    highest
}
