//! Bytes of a stream, counted by its sequence numbers.

use crate::atomic::compare_swap;

/// How far along a byte stream the flow has been told.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Meter {
    /// Bytes told since `base`.
    told: u64,
    /// The kernel's own 64-bit count as of then, which runs ahead or behind by a window at most.
    wide: u64,
    /// The sequence number of the first byte that counts.
    base: u32,
    pad: u32,
}

impl Meter {
    pub(super) const fn from(sequence: u32, wide: u64) -> Self {
        Self {
            told: 0,
            wide,
            base: sequence,
            pad: 0,
        }
    }

    /// The sequence number of the first byte that has not been told.
    #[inline(always)]
    pub(super) const fn next(&self) -> u32 {
        self.base.wrapping_add(self.told as u32)
    }

    /// The bytes since last time. Sequence numbers wrap after 4 GiB; the wide count tells how often
    /// they did. Whoever comes second to the same bytes gets 0.
    ///
    /// # Safety
    ///
    /// `this` is live.
    #[inline(always)]
    pub(super) unsafe fn advance(this: *mut Self, sequence: u32, wide: u64) -> u64 {
        // SAFETY: by the caller's promise.
        let Self {
            told,
            wide: wide_before,
            base,
            ..
        } = unsafe { *this };
        let narrow = u64::from(sequence.wrapping_sub(base).wrapping_sub(told as u32));
        let about = wide.wrapping_sub(wide_before).wrapping_add(1 << 31);
        if about < narrow {
            return 0; // behind what was told: a moment's disagreement between two counters
        }
        let amount = narrow + ((about - narrow) >> 32 << 32);
        // SAFETY: by the caller's promise.
        unsafe {
            if amount == 0 || compare_swap(&raw mut (*this).told, told, told + amount) != told {
                return 0;
            }
            (*this).wide = wide;
        }
        amount
    }
}

/// Bytes from sequence number `first` to `sequence`; the kernel's own count says how often the numbers
/// have wrapped.
#[inline(always)]
pub(super) fn bytes_since(first: u32, sequence: u32, wide: u64) -> u64 {
    let narrow = u64::from(sequence.wrapping_sub(first));
    let about = wide.wrapping_add(1 << 31);
    narrow + (about.saturating_sub(narrow) >> 32 << 32)
}
