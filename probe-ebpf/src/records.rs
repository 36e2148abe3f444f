//! The ring: records of what happens once.

use aya_ebpf::{
    bindings::{BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP, BPF_RB_RING_SIZE},
    btf_maps::RingBuf,
    helpers::{
        bpf_ktime_get_ns,
        generated::{bpf_probe_read_kernel_str, bpf_probe_read_user, bpf_ringbuf_query},
    },
    macros::btf_map,
};
use core::ffi::c_void;
use probe_ebpf::{loss::Loss, record::Header};

/// Holds some 450 exec records; when full, new records are dropped and counted.
const RING_BYTES: usize = 256 * 1024;

#[btf_map]
static RECORDS: RingBuf<Header, RING_BYTES> = RingBuf::new();

/// Whether a record in `ring` wakes user space, which looks by itself ten times a second: to wake it
/// takes an interrupt, which in a virtual machine costs ten times what the record does. Only when a
/// quarter of the ring waits already.
#[inline(always)]
pub(crate) fn wake<T, const BYTES: usize>(ring: &'static RingBuf<T, BYTES>) -> u64 {
    let ring = (&raw const *ring).cast_mut().cast();
    // SAFETY: a ring. User space may have set its size.
    let (waiting, room) = unsafe {
        (
            bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA.into()),
            bpf_ringbuf_query(ring, BPF_RB_RING_SIZE.into()),
        )
    };
    if waiting < room / 4 {
        BPF_RB_NO_WAKEUP.into()
    } else {
        BPF_RB_FORCE_WAKEUP.into()
    }
}

/// Reserves room for a `T`, lets `fill` write every byte of it, and hands it to user space in its own
/// time.
#[inline(always)]
pub(crate) fn submit<T: 'static>(fill: impl FnOnce(*mut T)) -> Result<(), Loss> {
    hand_over(fill, wake(&RECORDS))
}

/// The same, and wakes user space: for what it must know before it looks at anything else.
#[inline(always)]
pub(crate) fn submit_at_once<T: 'static>(fill: impl FnOnce(*mut T)) -> Result<(), Loss> {
    // By itself the kernel only wakes who has taken all that was there before.
    hand_over(fill, BPF_RB_FORCE_WAKEUP.into())
}

#[inline(always)]
fn hand_over<T: 'static>(fill: impl FnOnce(*mut T), wake: u64) -> Result<(), Loss> {
    let mut entry = RECORDS.reserve_untyped::<T>(0).ok_or(Loss::RingFull)?;
    fill(entry.as_mut_ptr());
    entry.submit(wake);
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
