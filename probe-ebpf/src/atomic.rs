//! Atomic additions.
//!
//! A socket's counters are added to by every thread that uses it, and taken by the tick; a flow's
//! are per CPU, but a softirq can land between the load and the store of a plain addition. rustc's
//! BPF target declares no atomics, so these are LLVM's own notation of the instructions.

use core::arch::asm;

/// Adds to a counter.
///
/// # Safety
///
/// `counter` is valid and aligned.
#[inline(always)]
pub(crate) unsafe fn add(counter: *mut u64, amount: u64) {
    // SAFETY: by the caller's promise. BPF_ATOMIC | BPF_ADD, in every kernel that has BTF.
    unsafe {
        asm!(
            "lock *(u64 *)({counter} + 0) += {amount}",
            counter = in(reg) counter,
            amount = in(reg) amount,
            options(nostack),
        );
    }
}

/// Takes what a counter holds and leaves zero.
///
/// # Safety
///
/// `counter` is valid and aligned.
#[inline(always)]
pub(crate) unsafe fn take(counter: *mut u64) -> u64 {
    // SAFETY: by the caller's promise.
    unsafe { exchange(counter, 0) }
}

/// Stores `value`, after all that was stored before it; returns what was there.
///
/// # Safety
///
/// `counter` is valid and aligned.
#[inline(always)]
pub(crate) unsafe fn exchange(counter: *mut u64, mut value: u64) -> u64 {
    // SAFETY: by the caller's promise. BPF_ATOMIC | BPF_XCHG, since 5.12.
    unsafe {
        asm!(
            "{value} = xchg_64({counter} + 0, {value})",
            counter = in(reg) counter,
            value = inout(reg) value,
            options(nostack),
        );
    }
    value
}

/// Stores `new` if the counter holds `old`; returns what it held.
///
/// # Safety
///
/// `counter` is valid and aligned.
#[inline(always)]
pub(crate) unsafe fn compare_swap(counter: *mut u64, old: u64, new: u64) -> u64 {
    let mut value = old;
    // SAFETY: by the caller's promise. BPF_ATOMIC | BPF_CMPXCHG, since 5.12, by way of r0.
    unsafe {
        asm!(
            "r0 = cmpxchg_64({counter} + 0, r0, {new})",
            counter = in(reg) counter,
            new = in(reg) new,
            inout("r0") value,
            options(nostack),
        );
    }
    value
}

/// Adds to a counter and returns what it was.
///
/// # Safety
///
/// `counter` is valid and aligned.
#[inline(always)]
pub(crate) unsafe fn fetch_add(counter: *mut u64, amount: u64) -> u64 {
    let mut value = amount;
    // SAFETY: by the caller's promise. BPF_ATOMIC | BPF_ADD | BPF_FETCH, since 5.12.
    unsafe {
        asm!(
            "{value} = atomic_fetch_add((u64 *)({counter} + 0), {value})",
            counter = in(reg) counter,
            value = inout(reg) value,
            options(nostack),
        );
    }
    value
}
