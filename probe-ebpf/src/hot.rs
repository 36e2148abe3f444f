//! The flows that each CPU has at hand, and the pairs of UDP sockets and peers.

use core::mem::{offset_of, size_of};

use crate::flow::{FlowCounters, FlowKey};

/// Slots of a CPU, a power of two. A flow's id, divided by it, leaves the number of its slot.
pub const SLOTS: usize = 256;
/// Pairs of a CPU, a power of two.
pub const PAIRS: usize = 256;

/// A slot: what one flow counts on one CPU, beside what it counts in the map of all.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub struct HotFlow {
    /// The flow's id, with [`Self::RETIRED`] when it has ended; 0 for none. A program may take a slot that
    /// is none's; all else is user space's to change.
    pub id: u64,
    /// No connection whose rank within its slot is as high is among those that the flow has kept; 0 when
    /// not known. See [`crate::half::Halves`].
    pub bound: u64,
    /// What it has counted.
    pub counters: FlowCounters,
    /// The flow's key, zeroes until it was looked for by its key.
    pub key: FlowKey,
}

impl HotFlow {
    /// In an id: nobody is to find the slot any more. It is emptied a while later.
    pub const RETIRED: u64 = 1 << 62;
}

const _: () = {
    assert!(SLOTS.is_power_of_two());
    assert!(offset_of!(HotFlow, counters) == 16);
    assert!(offset_of!(HotFlow, key) == 192);
    assert!(size_of::<HotFlow>() == 320);
};
