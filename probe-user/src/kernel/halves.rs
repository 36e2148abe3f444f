//! Connections by their first sequence numbers, a few of each flow.

use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd as _, BorrowedFd},
};

use aya::{
    Pod,
    maps::{HashMap as BpfHashMap, IterableMap as _, Map, MapData, MapError},
};
use probe_ebpf::half::{self, rank};

use super::batch::BatchReader;
use crate::ids::FlowId;

/// Some connections, each by both ends' first sequence numbers, the client's first: both ends keep
/// the same ones, however many there are (see the ABI's `Halves`).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Halves(Vec<u64>);

impl Halves {
    /// Those of `numbers` that are kept: of each slot, the lowest in rank.
    #[must_use]
    pub fn of(numbers: impl IntoIterator<Item = u64>) -> Self {
        let mut halves = Self(numbers.into_iter().filter(|number| *number != 0).collect());
        halves.settle();
        halves
    }

    /// Those that are kept of both.
    pub fn add(&mut self, more: &Self) {
        if !more.0.is_empty() {
            self.0.extend_from_slice(&more.0);
            self.settle();
        }
    }

    /// A rank begins with its slot.
    fn settle(&mut self) {
        self.0.sort_unstable_by_key(|number| rank(*number).1);
        self.0.dedup_by_key(|number| rank(*number).0);
    }

    /// The numbers, each once.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().copied()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of these may be among the connections that `other` was kept of: it has them, or one
    /// of a lower rank in their place. What is not may not have been there.
    #[must_use]
    pub fn may_be_among(&self, other: &Self) -> usize {
        let slots: HashMap<_, _> = other.iter().map(rank).collect();
        let may_be = |number: &u64| {
            let (slot, own) = rank(*number);
            slots.get(&slot).is_some_and(|kept| *kept <= own)
        };
        self.iter().filter(may_be).count()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Kept(half::Halves);
// SAFETY: integers only, without padding (asserted by the ABI).
unsafe impl Pod for Kept {}

/// The kernel's `KEPT`, by flow id.
pub(super) struct KeptHalves(BpfHashMap<MapData, u64, Kept>);

impl TryFrom<Map> for KeptHalves {
    type Error = MapError;

    fn try_from(map: Map) -> Result<Self, MapError> {
        Ok(Self(map.try_into()?))
    }
}

impl KeptHalves {
    /// All there are.
    pub(super) fn read(&self) -> io::Result<HashMap<FlowId, Halves>> {
        let mut all = HashMap::new();
        // The buffers are not kept: a graph is wanted now and then.
        let map: BorrowedFd<'_> = self.0.map().fd().as_fd();
        BatchReader::<u64, Kept>::new(1).read(map, |id, kept| {
            all.insert(FlowId(*id), Halves::of(kept[0].0.kept));
        })?;
        Ok(all)
    }

    /// Takes those of a flow out.
    pub(super) fn take(&mut self, id: FlowId) -> Result<Halves, MapError> {
        let kept = match self.0.get(&id.0, 0) {
            Ok(kept) => kept,
            Err(MapError::KeyNotFound) => return Ok(Halves::default()),
            Err(error) => return Err(error),
        };
        match self.0.remove(&id.0) {
            Ok(()) | Err(MapError::KeyNotFound) => Ok(Halves::of(kept.0.kept)),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use probe_ebpf::half::SLOTS;
    use proptest::prelude::*;

    use super::Halves;

    proptest! {
        #[test]
        fn what_is_kept_does_not_depend_on_the_order(
            mut numbers: Vec<u64>, at in any::<prop::sample::Index>(),
        ) {
            let all = Halves::of(numbers.clone());
            prop_assert!(all.len() <= SLOTS);
            let rest = numbers.split_off(at.index(numbers.len() + 1));
            let mut sum = Halves::of(rest);
            sum.add(&Halves::of(numbers));
            prop_assert_eq!(sum, all);
        }

        #[test]
        fn of_a_part_all_may_be_among_the_whole(part: Vec<u64>, rest: Vec<u64>) {
            let whole = Halves::of(part.iter().chain(&rest).copied());
            let part = Halves::of(part);
            prop_assert_eq!(part.may_be_among(&whole), part.len());
        }

        #[test]
        fn two_ends_keep_a_connection_in_common(
            both in prop::collection::vec(1..u64::MAX, 500), one in prop::collection::vec(1..u64::MAX, 50),
        ) {
            let here = Halves::of(both.iter().copied());
            let there = Halves::of(both.into_iter().chain(one));
            prop_assert!(here.iter().any(|number| there.iter().any(|other| other == number)));
        }
    }
}
