//! CPU time up to now.
//!
//! The scheduler adds a task's time up when it takes the CPU from it, and at ticks: a process that
//! runs once and ends between two ticks has none. What is missing lies between the moment when the
//! task got its CPU, by the scheduler's clock, and now, by a clock that programs can read. The two
//! differ by an offset that drifts by parts in a million: it is measured whenever a task is made.

use core::ffi::c_void;

use aya_ebpf::{
    btf_maps::Array, helpers::bpf_ktime_get_ns, macros::btf_map, macros::btf_tracepoint,
    programs::BtfTracePointContext,
};

use crate::kernel::{TASK_ARRIVED, TASK_QUEUED, TASK_RAN, TASK_RAN_BEFORE};

/// No tick is longer: `HZ` is 100 at least.
const TICK_NS: u64 = 10_000_000;

/// What to take from `bpf_ktime_get_ns` for the scheduler's clock; 0 when not known yet.
#[btf_map]
static AHEAD: Array<u64, 1> = Array::new();

/// `sched_wakeup_new(struct task_struct *p)`, since 2.6: a new task has just been queued, its clock
/// read for that. Under the lock of the CPU's queue: no more is done than must be.
#[btf_tracepoint(function = "sched_wakeup_new")]
fn sched_wakeup_new(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the argument is a task; the helper has no preconditions.
    let (queued, now) = unsafe { (TASK_QUEUED.read(ctx.arg(0)), bpf_ktime_get_ns()) };
    if let (Some(ahead), 1..) = (AHEAD.get_ptr_mut(0), queued) {
        // SAFETY: a live map value. Whoever comes last has measured as well as any other.
        unsafe { ahead.write_volatile(now.wrapping_sub(queued)) };
    }
    0
}

/// CPU time of the running task so far, in nanoseconds.
///
/// # Safety
///
/// `task` is the running one, and the verifier knows it as a `struct task_struct *`.
#[inline(always)]
pub(crate) unsafe fn ran(task: *const c_void) -> u64 {
    // SAFETY: by the caller's promise; the helper has no preconditions.
    let (added_up, before, arrived, now) = unsafe {
        (
            TASK_RAN.read(task),
            TASK_RAN_BEFORE.read(task),
            TASK_ARRIVED.read(task),
            bpf_ktime_get_ns(),
        )
    };
    // SAFETY: a live map value.
    let ahead = AHEAD.get(0).map_or(0, |ahead| unsafe {
        core::ptr::from_ref(ahead).read_volatile()
    });
    if ahead == 0 {
        return added_up;
    }
    let since = now.wrapping_sub(ahead).saturating_sub(arrived);
    let most = added_up.wrapping_add(TICK_NS);
    before.wrapping_add(since).max(added_up).min(most)
}
