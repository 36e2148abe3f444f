//! What the two ends of a connection know alike, wherever they are: its first sequence numbers.

use core::mem::size_of;

use crate::spread::spread;

/// Connections of which a flow keeps the sequence numbers.
pub const SLOTS: usize = 32;

/// What each end of a connection knows: the other end knows the same, swapped.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Half {
    /// The sequence number of the first byte this end sends.
    pub first_sent: u32,
    /// That of the first byte it receives.
    pub first_received: u32,
}

impl Half {
    /// The same connection, seen from its other end.
    #[must_use]
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a call in a BPF program costs a stack frame"
    )]
    pub const fn swapped(self) -> Self {
        Self {
            first_sent: self.first_received,
            first_received: self.first_sent,
        }
    }

    /// Both numbers as one; of a client's half, the connection's own name.
    #[must_use]
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a call in a BPF program costs a stack frame"
    )]
    pub const fn number(self) -> u64 {
        (self.first_sent as u64) << 32 | self.first_received as u64
    }
}

/// Some connections of a flow: of all whose rank falls into a slot, the one of the lowest.
///
/// Both ends rank alike, so they keep the same connections, however many there are and whatever
/// else one of them sees: what one end has kept the other has too, unless that had a lower one in
/// the slot. The latest, or random ones, would hardly ever be the same.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Halves {
    /// The [`Half::number`] as the client has it; 0 where there is none.
    pub kept: [u64; SLOTS],
}

impl Halves {
    /// None yet.
    pub const NONE: Self = Self { kept: [0; SLOTS] };
}

/// A connection's place among all: its slot, and what must be lower there. No two have the same.
#[must_use]
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "a slot is five bits long")]
#[expect(
    clippy::inline_always,
    reason = "a call in a BPF program costs a stack frame"
)]
pub const fn rank(number: u64) -> (usize, u64) {
    let mixed = spread(number);
    // A factor that is odd, and a shift: nothing is lost.
    let rank = spread(mixed ^ mixed >> 32);
    ((rank >> (64 - SLOTS.ilog2())) as usize, rank)
}

const _: () = {
    assert!(SLOTS.is_power_of_two());
    assert!(size_of::<Half>() == 8);
    assert!(size_of::<Halves>() == 8 * SLOTS);
};
