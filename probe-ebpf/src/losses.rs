//! What was seen and could not be kept.

use aya_ebpf::{btf_maps::PerCpuArray, macros::btf_map};
use probe_ebpf::loss::Loss;

use crate::atomic::add;

#[btf_map]
static LOSSES: PerCpuArray<u64, { Loss::ALL.len() }> = PerCpuArray::new();

/// Counts one.
#[inline(always)]
pub(crate) fn count(loss: Loss) {
    if let Some(counter) = LOSSES.get_ptr_mut(loss as u32) {
        // SAFETY: the slot is a live, aligned u64 of this CPU.
        unsafe { add(counter, 1) };
    }
}

/// Runs a program's body and counts what it could not do.
#[inline(always)]
pub(crate) fn counted(result: Result<(), Loss>) -> i32 {
    if let Err(loss) = result {
        count(loss);
    }
    0
}
