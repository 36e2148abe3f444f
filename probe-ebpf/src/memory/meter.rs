//! Bytes of a stream, counted by its sequence numbers.

use crate::atomic::compare_swap;

/// How far along a byte stream the flow has been told.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(super) struct Meter {
    /// The sequence number of the first byte that has not been told, widened so that it does not wrap.
    next: u64,
}

impl Meter {
    pub(super) const fn from(next: u64) -> Self {
        Self { next }
    }

    /// The sequence number of the first byte that has not been told.
    #[inline(always)]
    pub(super) const fn next(self) -> u32 {
        self.next as u32
    }

    /// The bytes since last time, up to a sequence number, widened like it. Of those that were told
    /// meanwhile nothing is told again; what is left of them is.
    ///
    /// # Safety
    ///
    /// `this` is live.
    #[inline(always)]
    pub(super) unsafe fn advance(this: *mut Self, to: u64) -> u64 {
        // The tick and the socket's own programs may meet here, and each of them comes but once.
        for _ in 0..2 {
            // SAFETY: by the caller's promise.
            let next = unsafe { (&raw const (*this).next).read_volatile() };
            let amount = to.wrapping_sub(next);
            // Behind what was told is a moment's disagreement between two of the kernel's counters.
            if amount.cast_signed() <= 0 {
                return 0;
            }
            // SAFETY: by the caller's promise.
            if unsafe { compare_swap(&raw mut (*this).next, next, to) } == next {
                return amount;
            }
        }
        0
    }
}
