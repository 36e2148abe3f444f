//! TCP's sequence numbers, which start anywhere and wrap.

/// A sequence number that does not wrap after 4 GiB: the kernel's own 64-bit count of the bytes since
/// sequence number `first` tells how often it did. That count may run ahead or behind by less than
/// 2 GiB; a window is 1 GiB at most.
#[must_use]
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "sequence numbers are the low half"
)]
#[expect(
    clippy::inline_always,
    reason = "a call in a BPF program costs a stack frame"
)]
pub const fn widened(first: u32, sequence: u32, count: u64) -> u64 {
    let about = (first as u64).wrapping_add(count);
    let ahead = sequence.wrapping_sub(about as u32).cast_signed();
    about.wrapping_add_signed(ahead as i64)
}

#[cfg(test)]
mod tests {
    use super::widened;

    const GIB: u64 = 1 << 30;

    #[test]
    fn a_count_that_is_off_by_a_window_is_put_right() {
        for first in [0, 1, 1 << 31, u32::MAX] {
            for bytes in [0, 1, GIB, 4 * GIB - 1, 4 * GIB, 4 * GIB + 1, 1000 * GIB + 7] {
                let truth = u64::from(first).wrapping_add(bytes);
                let sequence = u32::try_from(truth % (4 * GIB)).unwrap();
                for count in [bytes, bytes + GIB, bytes + 1, bytes.saturating_sub(GIB)] {
                    assert_eq!(
                        widened(first, sequence, count),
                        truth,
                        "{first} {bytes} {count}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_lies_before_the_first_is_before_it() {
        let before = widened(5, u32::MAX, 0);
        assert_eq!(before.wrapping_sub(5).cast_signed(), -6);
    }
}
