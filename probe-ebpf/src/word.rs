//! Structs as the words that they are made of: what the compiler makes of a comparison or a copy of
//! more is a call, and a loop over bytes.

use core::mem::{align_of, size_of};

use probe_ebpf::spread::spread;

/// The words of a struct that is made of integers, without padding.
#[inline(always)]
fn count<T>() -> usize {
    const {
        assert!(size_of::<T>().is_multiple_of(size_of::<u64>()));
        assert!(align_of::<T>() == align_of::<u64>());
    }
    size_of::<T>() / size_of::<u64>()
}

/// Whether what lies at `place` is the same as `other`. It may change meanwhile.
///
/// # Safety
///
/// `place` is live, and `T` made of integers, without padding.
#[inline(always)]
pub(crate) unsafe fn same<T>(place: *const T, other: &T) -> bool {
    let mut differ = 0;
    for index in 0..count::<T>() {
        // SAFETY: by the caller's promise.
        differ |= unsafe { at(place, index) ^ at(other, index) };
    }
    differ == 0
}

/// Copies `from` to `place`, word by word.
///
/// # Safety
///
/// As for [`same`], of both.
#[inline(always)]
pub(crate) unsafe fn copy<T>(place: *mut T, from: &T) {
    for index in 0..count::<T>() {
        // SAFETY: by the caller's promise.
        unsafe {
            place
                .cast::<u64>()
                .add(index)
                .write_volatile(at(from, index));
        }
    }
}

/// A number that depends on all words of `from`.
///
/// # Safety
///
/// As for [`same`].
#[inline(always)]
pub(crate) unsafe fn mixed<T>(from: &T) -> u64 {
    let mut mixed = 0;
    for index in 0..count::<T>() {
        // SAFETY: by the caller's promise.
        mixed = spread(mixed ^ unsafe { at(from, index) }).rotate_left(29);
    }
    spread(mixed)
}

/// # Safety
///
/// As for [`same`]; `index` is within.
#[inline(always)]
unsafe fn at<T>(place: *const T, index: usize) -> u64 {
    // SAFETY: by the caller's promise.
    unsafe { place.cast::<u64>().add(index).read_volatile() }
}
