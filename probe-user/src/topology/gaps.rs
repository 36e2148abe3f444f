//! What an edge may lack, by reason.
//!
//! The account of a host ([`Completeness`](super::Completeness)) counts connections, each lost to
//! one cause. An edge says all that is known of it alone: a few of these reasons, or none. What the
//! kernel lost altogether, nobody can put to an edge.

use std::{
    collections::HashSet,
    fmt,
    ops::{BitOr, BitOrAssign},
};

use super::{
    join::Conversation,
    lens::Lens,
    listener::Listener,
    placement::{Clock, is_behind},
};
use crate::identity::{Workload, workload::Who};

/// Why an edge may not tell all there is to know.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Gap {
    /// An end found the flow table full, and is on an edge to `unknown` as well or instead.
    Map,
    /// The source is on a host that is watched, and its end was not seen.
    SourceUnseen,
    /// The target is, and its end was not.
    TargetUnseen,
    /// An end has no name: no engine has told it.
    Identity,
    /// An end is a container, and an engine does not answer: what it is called may be old.
    Engine,
    /// An end is an ECS task that was not described, or whose service is overdue.
    Ecs,
    /// Calls are not counted on this kernel.
    Calls,
    /// Some of its connections stood when watching began: they count from then on only.
    Existing,
}

impl Gap {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 8] = [
        Self::Map,
        Self::SourceUnseen,
        Self::TargetUnseen,
        Self::Identity,
        Self::Engine,
        Self::Ecs,
        Self::Calls,
        Self::Existing,
    ];

    /// The word that stands for it in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::SourceUnseen => "source-unseen",
            Self::TargetUnseen => "target-unseen",
            Self::Identity => "identity",
            Self::Engine => "engine",
            Self::Ecs => "ecs",
            Self::Calls => "calls",
            Self::Existing => "existing",
        }
    }
}

/// Some of them, or none.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Gaps(u8);

impl Gaps {
    /// What is said of who the ends are, and not of figures.
    const OF_NAMES: Self = Self(Gap::Identity.bit() | Gap::Engine.bit() | Gap::Ecs.bit());

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this one is among them.
    #[must_use]
    pub const fn contains(self, gap: Gap) -> bool {
        self.0 & gap.bit() != 0
    }

    /// In their order.
    pub fn iter(self) -> impl Iterator<Item = Gap> {
        Gap::ALL.into_iter().filter(move |gap| self.contains(*gap))
    }

    /// Those of them that are about names.
    pub(super) const fn of_names(self) -> Self {
        Self(self.0 & Self::OF_NAMES.0)
    }

    /// With this one if `there`, without it if not.
    pub(super) const fn set(&mut self, gap: Gap, there: bool) {
        self.0 &= !gap.bit();
        if there {
            self.0 |= gap.bit();
        }
    }

    /// What a conversation tells by itself. Of what failed, nobody had another end to see.
    pub(super) fn of(conversation: &Conversation, clock: Option<Clock>) -> Self {
        let [source, target] = [&conversation.source, &conversation.target];
        let stood = conversation.counts.existing + conversation.counts.opened > 0;
        let rest = matches!(conversation.listener, Listener::Other);
        // The other end of a unix socket is here, whoever it is.
        let unix = matches!(conversation.listener, Listener::Unix(_));
        let here = |end: &Workload| match end {
            Workload::Container(_) | Workload::Process(_) | Workload::Host => true,
            Workload::External(_) => false,
            Workload::Unknown => unix,
        };
        let nameless = |end: &Workload| match end {
            Workload::Container(container) => container.name.is_none(),
            // A rest's other end is nobody in particular.
            Workload::Unknown => !rest,
            Workload::Process(_) | Workload::Host | Workload::External(_) => false,
        };
        let behind = |end: &Workload| match end {
            Workload::Container(container) => {
                let view = container.ecs.as_ref();
                view.is_some_and(|view| is_behind(view, clock))
            }
            _ => false,
        };
        let mut gaps = Self::default();
        gaps.set(Gap::Map, rest);
        gaps.set(
            Gap::SourceUnseen,
            stood && conversation.client.is_none() && here(source),
        );
        gaps.set(
            Gap::TargetUnseen,
            stood && conversation.server.is_none() && here(target),
        );
        gaps.set(Gap::Identity, nameless(source) || nameless(target));
        gaps.set(Gap::Ecs, behind(source) || behind(target));
        gaps
    }

    /// What its edge lacks on a host that is seen so, where those who are `crowded` have flows
    /// that found no room.
    pub(super) fn of_edge(
        conversation: &Conversation,
        lens: Lens<'_>,
        crowded: &HashSet<Who<'_>>,
    ) -> Self {
        let mut gaps = Self::of(conversation, lens.clock);
        let ends = [
            (&conversation.source, Gap::SourceUnseen),
            (&conversation.target, Gap::TargetUnseen),
        ];
        for (end, unseen) in ends {
            if gaps.contains(unseen) && crowded.contains(&end.who()) {
                gaps |= Gap::Map.into();
            }
            if lens.engine_silent && matches!(end, Workload::Container(_)) {
                gaps |= Gap::Engine.into();
            }
        }
        gaps.set(Gap::Calls, !lens.counts_calls);
        gaps
    }
}

impl Gap {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Who has flows that found no room.
pub(super) fn crowded(conversations: &[Conversation]) -> HashSet<Who<'_>> {
    let rests = conversations
        .iter()
        .filter(|conversation| conversation.listener == Listener::Other);
    rests.map(|rest| rest.source.who()).collect()
}

impl From<Gap> for Gaps {
    fn from(gap: Gap) -> Self {
        Self(gap.bit())
    }
}

impl FromIterator<Gap> for Gaps {
    fn from_iter<I: IntoIterator<Item = Gap>>(gaps: I) -> Self {
        let gaps = gaps.into_iter().map(Self::from);
        gaps.fold(Self::default(), BitOr::bitor)
    }
}

impl BitOr for Gaps {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Gaps {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl fmt::Display for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, gap) in self.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}", gap.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
