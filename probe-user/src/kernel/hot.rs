//! The flows that each CPU has at hand, in memory that we share with the kernel's programs.

use std::{
    array,
    collections::HashMap,
    io, mem,
    num::NonZeroUsize,
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering},
};

use aya::{
    Pod,
    maps::{Array, IterableMap as _, Map, MapData, MapError},
};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use probe_ebpf::{
    flow::{FlowCounters, FlowKey},
    hot::{HotFlow, SLOTS},
};

use crate::ids::FlowId;

/// Words of a flow's counters.
const WORDS: usize = size_of::<FlowCounters>() / size_of::<u64>();
/// An id that is no flow's.
const FREE: u64 = 0;
const NO_KEY: FlowKey = FlowKey {
    role: 0,
    ..FlowKey::other(0)
};

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Slot(HotFlow);
// SAFETY: integers only, and padding that nobody reads.
unsafe impl Pod for Slot {}

/// The slots of every CPU, one CPU after the other.
pub(super) struct HotFlows {
    /// Held: programs are loaded with its descriptor.
    _map: Array<MapData, Slot>,
    first: NonNull<HotFlow>,
    length: NonZeroUsize,
    slots: usize,
}

// SAFETY: nothing but this value has its addresses, and no method leaves one behind.
unsafe impl Send for HotFlows {}

impl HotFlows {
    /// Maps the slots of `HOT`.
    pub(super) fn map(map: Map) -> Result<Self, MapError> {
        let map: Array<MapData, Slot> = map.try_into()?;
        let slots = map.len() as usize;
        let length = NonZeroUsize::new(slots * size_of::<HotFlow>())
            .ok_or_else(|| MapError::IoError(io::ErrorKind::InvalidInput.into()))?;
        let (access, flags) = (
            ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
            MapFlags::MAP_SHARED,
        );
        // SAFETY: no place is asked for, so nothing that is there goes.
        let first = unsafe { mmap(None, length, access, flags, map.map().fd(), 0) }
            .map_err(|errno| MapError::IoError(errno.into()))?;
        Ok(Self {
            _map: map,
            first: first.cast(),
            length,
            slots,
        })
    }

    /// What each flow has counted in its slots.
    pub(super) fn read(&self) -> HashMap<FlowId, FlowCounters> {
        let mut flows = HashMap::new();
        for slot in 0..self.slots {
            let id = self.id(slot).load(Ordering::Acquire) & !HotFlow::RETIRED;
            if id != FREE {
                let total = flows.entry(FlowId(id)).or_insert(FlowCounters::NONE);
                total.add(&self.counters(slot));
            }
        }
        flows
    }

    /// Lets nobody find the flow's slots any more.
    pub(super) fn retire(&self, flow: FlowId) {
        for slot in self.of(flow) {
            // Its programs take free ones only: whose it is does not change.
            if self.id(slot).load(Ordering::Acquire) == flow.0 {
                self.id(slot).fetch_or(HotFlow::RETIRED, Ordering::AcqRel);
            }
        }
    }

    /// Empties the slots of a flow that was retired a while ago, and gives what it counted there; `None`
    /// if it has got one since, which is retired now.
    pub(super) fn empty(&self, flow: FlowId) -> Option<FlowCounters> {
        let is = |slot: &usize, id| self.id(*slot).load(Ordering::Acquire) == id;
        if self.of(flow).any(|slot| is(&slot, flow.0)) {
            self.retire(flow);
            return None;
        }
        let mut total = FlowCounters::NONE;
        for slot in self.of(flow) {
            if is(&slot, flow.0 | HotFlow::RETIRED) {
                total.add(&self.counters(slot));
                self.clear(slot);
            }
        }
        Some(total)
    }

    /// The slots in which the flow may be.
    #[expect(clippy::cast_possible_truncation, reason = "less than 256")]
    fn of(&self, flow: FlowId) -> impl Iterator<Item = usize> + use<> {
        let number = (flow.0 % SLOTS as u64) as usize;
        (number..self.slots).step_by(SLOTS)
    }

    fn place(&self, slot: usize) -> *mut HotFlow {
        assert!(slot < self.slots, "slot {slot} of {}", self.slots);
        // SAFETY: within the map.
        unsafe { self.first.as_ptr().add(slot) }
    }

    fn id(&self, slot: usize) -> &AtomicU64 {
        // SAFETY: mapped and aligned for as long as this value lives, and nobody uses it otherwise.
        unsafe { AtomicU64::from_ptr(&raw mut (*self.place(slot)).id) }
    }

    /// Read word by word, as the programs add to it.
    fn counters(&self, slot: usize) -> FlowCounters {
        // SAFETY: within the slot.
        let place = unsafe { &raw mut (*self.place(slot)).counters }.cast::<u64>();
        let words: [u64; WORDS] = array::from_fn(|index| {
            // SAFETY: mapped and aligned, and within the counters; nobody uses it otherwise.
            unsafe { AtomicU64::from_ptr(place.add(index)) }.load(Ordering::Relaxed)
        });
        // SAFETY: the same bytes, which are integers all, without padding.
        unsafe { mem::transmute(words) }
    }

    fn clear(&self, slot: usize) {
        let place = self.place(slot);
        // SAFETY: mapped and aligned; as long as the id is there nobody takes it.
        unsafe {
            (&raw mut (*place).bound).write_volatile(0);
            (&raw mut (*place).key).write_volatile(NO_KEY);
            (&raw mut (*place).counters).write_volatile(FlowCounters::NONE);
        }
        self.id(slot).store(FREE, Ordering::Release);
    }
}

impl Drop for HotFlows {
    fn drop(&mut self) {
        // SAFETY: as it was mapped; the addresses go with this value. What cannot be unmapped stays.
        let _ = unsafe { munmap(self.first.cast(), self.length.get()) };
    }
}
