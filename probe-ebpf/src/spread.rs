//! Numbers that are alike, made unlike.

/// 2^64 divided by the golden ratio, odd.
const RATIO: u64 = 0x9e37_79b9_7f4a_7c15;

/// A number whose high bits depend on all bits of `number`, one to one: Knuth's multiplicative hash
/// (The Art of Computer Programming, volume 3, 6.4).
#[must_use]
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "a call in a BPF program costs a stack frame"
)]
pub const fn spread(number: u64) -> u64 {
    number.wrapping_mul(RATIO)
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn neighbours_share_few_of_the_high_bits() {
        let mut taken = [0_u32; 256];
        for index in 0..1024 {
            let address = 0xffff_8881_0000_0000 + index * 2432;
            taken[usize::try_from(spread(address) >> 56).unwrap()] += 1;
        }
        assert!(
            taken.iter().all(|&count| (1..=8).contains(&count)),
            "{taken:?}"
        );
    }
}
