//! The ring: records of what happens once.

use aya_ebpf::{
    btf_maps::RingBuf,
    helpers::{
        bpf_ktime_get_ns,
        generated::{bpf_probe_read_kernel_str, bpf_probe_read_user},
    },
    macros::btf_map,
};
use core::ffi::c_void;
use probe_ebpf::{loss::Loss, record::Header};

/// Holds some 450 exec records; when full, new records are dropped and counted.
const RING_BYTES: usize = 256 * 1024;

#[btf_map]
static RECORDS: RingBuf<Header, RING_BYTES> = RingBuf::new();

/// Reserves room for a `T`, lets `fill` write every byte of it, and hands it to user space.
#[inline(always)]
pub(crate) fn submit<T: 'static>(fill: impl FnOnce(*mut T)) -> Result<(), Loss> {
    let mut entry = RECORDS.reserve_untyped::<T>(0).ok_or(Loss::RingFull)?;
    fill(entry.as_mut_ptr());
    entry.submit(0);
    Ok(())
}

/// A record's first bytes, stamped with the time.
#[inline(always)]
pub(crate) fn header(kind: u32, pid: u32, cgroup: u64) -> Header {
    Header {
        kind,
        pid,
        // SAFETY: the helper has no preconditions.
        time: unsafe { bpf_ktime_get_ns() },
        cgroup,
    }
}

/// Copies a kernel string, cut to fit and always terminated; empty when it cannot be read.
///
/// # Safety
///
/// `to` is valid for `LEN` bytes.
#[inline(always)]
pub(crate) unsafe fn copy_str<const LEN: usize>(to: *mut [u8; LEN], from: *const c_void) {
    // SAFETY: by the caller's promise. The bytes behind the terminator are never looked at.
    let copied = unsafe { bpf_probe_read_kernel_str(to.cast(), LEN as u32, from) };
    if copied < 0 {
        // SAFETY: `LEN` is at least one for every record.
        unsafe { to.cast::<u8>().write(0) };
    }
}

/// Copies what lies from `start` to `end` in the running program's memory, cut to fit; returns how
/// much, 0 when it cannot be read.
///
/// # Safety
///
/// `to` is valid for `LEN` bytes.
#[inline(always)]
pub(crate) unsafe fn copy_user<const LEN: usize>(to: *mut [u8; LEN], start: u64, end: u64) -> u32 {
    let len = end.wrapping_sub(start).min(LEN as u64) as u32;
    // SAFETY: by the caller's promise.
    let copied = unsafe { bpf_probe_read_user(to.cast(), len, start as *const c_void) };
    if copied < 0 { 0 } else { len }
}
