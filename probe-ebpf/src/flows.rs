//! The flow map.
//!
//! `FLOWS` gives a flow its id when the first of its sockets appears; sockets remember the id, and
//! sends and receives find its counters by it: in a slot of their CPU's, or in `COUNTERS`. Ids are never
//! used twice: a flow that user space has retired and that comes back is a new one, so no late count
//! lands on the wrong flow.

mod hot;

use aya_ebpf::{
    bindings::{BPF_F_NO_PREALLOC, BPF_NOEXIST},
    btf_maps::{HashMap, PerCpuArray, PerCpuHashMap},
    helpers::generated::bpf_get_smp_processor_id,
    macros::btf_map,
};
use probe_ebpf::{
    flow::{FlowCounters, FlowKey, MAX_FLOWS, MAX_OTHERS},
    hot::{HotFlow, SLOTS},
    loss::Loss,
};

use crate::{atomic::fetch_add, losses};

/// What is known of each live flow. Full: the socket counts for its cgroup's `other` flow.
#[btf_map]
static FLOWS: HashMap<FlowKey, u64, { MAX_FLOWS }, { BPF_F_NO_PREALLOC as usize }> = HashMap::new();

/// The flows of last resort, which take what no other has room for: totals stay exact.
#[btf_map]
static OTHERS: HashMap<FlowKey, u64, MAX_OTHERS, { BPF_F_NO_PREALLOC as usize }> = HashMap::new();

/// By flow id. Twice the flows: a retired one keeps its counters until its last socket is gone.
#[btf_map]
static COUNTERS: PerCpuHashMap<
    u64,
    FlowCounters,
    { 2 * MAX_FLOWS + MAX_OTHERS },
    { BPF_F_NO_PREALLOC as usize },
> = PerCpuHashMap::new();

/// The sequence number of the latest flow id that each CPU gave out.
#[btf_map]
static SERIAL: PerCpuArray<u64, 1> = PerCpuArray::new();

/// Fresh counters; the stack has no room for them.
static NOTHING: FlowCounters = FlowCounters::NONE;

/// Marks the ids of `other` flows, which are no one's peer.
pub(crate) const OTHER: u64 = 1 << 63;

/// A flow that was found.
#[derive(Clone, Copy)]
pub(crate) struct Flow {
    pub(crate) id: u64,
    /// Its counters on this CPU; valid while the program runs.
    pub(crate) counters: *mut FlowCounters,
}

/// The flow of that key, made now if there is none yet; the cgroup's `other` flow when there is no room.
#[inline(always)]
pub(crate) fn find_or_make(key: &FlowKey) -> Result<Flow, Loss> {
    let number = hot::number(key);
    if let Some((id, counters)) = hot::find(key, number) {
        return Ok(Flow { id, counters });
    }
    let id = id_of(key, number)?;
    let counters = counters(id).ok_or(Loss::CountersGone)?;
    if id & OTHER == 0
        && let Some(slot) = hot::of(id)
    {
        // SAFETY: the flow's own.
        unsafe { hot::name(slot, key) };
    }
    Ok(Flow { id, counters })
}

#[inline(always)]
fn id_of(key: &FlowKey, number: u64) -> Result<u64, Loss> {
    // SAFETY: the value is copied out at once.
    if let Some(id) = unsafe { FLOWS.get(key) } {
        return Ok(*id);
    }
    match make(key, number, |key, id| {
        FLOWS.insert(key, id, BPF_NOEXIST.into())
    }) {
        // SAFETY: as above.
        Err(()) => match unsafe { FLOWS.get(key) } {
            Some(id) => Ok(*id), // another CPU was quicker
            None => other(key.cgroup, number),
        },
        Ok(id) => Ok(id),
    }
}

#[inline(always)]
fn other(cgroup: u64, number: u64) -> Result<u64, Loss> {
    losses::count("flows", Loss::FlowMapFull);
    let key = FlowKey::other(cgroup);
    // SAFETY: the value is copied out at once.
    if let Some(id) = unsafe { OTHERS.get(&key) } {
        return Ok(*id);
    }
    match make(&key, OTHER | number, |key, id| {
        OTHERS.insert(key, id, BPF_NOEXIST.into())
    }) {
        Ok(id) => Ok(id),
        // SAFETY: as above.
        Err(()) => unsafe { OTHERS.get(&key) }.copied().ok_or(Loss::OthersFull),
    }
}

/// The counters come first: whoever finds the flow finds them.
#[inline(always)]
fn make(
    key: &FlowKey,
    low: u64,
    insert: impl FnOnce(&FlowKey, &u64) -> Result<(), i32>,
) -> Result<u64, ()> {
    let id = next_id().ok_or(())? | low;
    COUNTERS
        .insert(&id, &NOTHING, BPF_NOEXIST.into())
        .map_err(drop)?;
    if insert(key, &id).is_ok() {
        return Ok(id);
    }
    let _ = COUNTERS.remove(&id);
    Err(())
}

/// Unique without a shared counter: the CPU above, its own sequence below, and below that room for the
/// number of a slot. Never 0.
#[inline(always)]
fn next_id() -> Option<u64> {
    let serial = SERIAL.get_ptr_mut(0)?;
    // SAFETY: a live, aligned u64 of this CPU.
    let number = unsafe { fetch_add(serial, 1) } + 1;
    // SAFETY: the helper has no preconditions.
    let cpu = u64::from(unsafe { bpf_get_smp_processor_id() });
    Some(cpu << 48 | number << SLOTS.ilog2())
}

/// This CPU's counters of a flow.
#[inline(always)]
pub(crate) fn counters(id: u64) -> Option<*mut FlowCounters> {
    if let Some(slot) = slot(id) {
        // SAFETY: a live map value.
        return Some(unsafe { &raw mut (*slot).counters });
    }
    // Those of a flow that lives, or has not been gone for long.
    let counters = COUNTERS.get_ptr_mut(&id)?;
    // SAFETY: as above.
    Some(hot::take(id).map_or(counters, |slot| unsafe { &raw mut (*slot).counters }))
}

/// The flow's slot on this CPU, if it has one.
#[inline(always)]
pub(crate) fn slot(id: u64) -> Option<*mut HotFlow> {
    hot::of(id)
}
