//! What was seen and could not be kept.

use aya_ebpf::{btf_maps::PerCpuArray, macros::btf_map};
use aya_log_ebpf::debug;
use probe_ebpf::loss::Loss;

use crate::atomic::add;

#[btf_map]
static LOSSES: PerCpuArray<u64, { Loss::ALL.len() }> = PerCpuArray::new();

/// Counts one. With the log on, which user space decides before the load, it also says where; off,
/// the verifier drops that code.
#[inline(always)]
pub(crate) fn count(place: &'static str, loss: Loss) {
    if let Some(counter) = LOSSES.get_ptr_mut(loss as u32) {
        // SAFETY: the slot is a live, aligned u64 of this CPU.
        unsafe { add(counter, 1) };
    }
    debug!((), "{}: loss {}", place, loss as u32);
}

/// Ends a program: counts what its body could not do.
#[inline(always)]
pub(crate) fn counted(program: &'static str, result: Result<(), Loss>) -> i32 {
    if let Err(loss) = result {
        count(program, loss);
    }
    0
}
