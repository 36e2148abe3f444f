//! What flows count.

use std::ops::AddAssign;

use probe_ebpf::flow::FlowCounters;

/// A struct of counters, and what adding and taking away mean for all of them. What follows the
/// semicolon has its own idea of both.
macro_rules! counters {
    (
        $(#[$about:meta])* $name:ident {
            $($(#[$doc:meta])* $counter:ident,)*;
            $($(#[$own_doc:meta])* $own:ident: $type:ty,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        pub struct $name {
            $($(#[$doc])* pub $counter: u64,)*
            $($(#[$own_doc])* pub $own: $type,)*
        }

        impl $name {
            /// What is left, never below zero.
            #[must_use]
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self {
                    $($counter: self.$counter.saturating_sub(other.$counter),)*
                    $($own: self.$own.saturating_sub(other.$own),)*
                }
            }

            /// The sum, which stays at the largest number there is.
            #[must_use]
            pub const fn saturating_add(self, other: Self) -> Self {
                Self {
                    $($counter: self.$counter.saturating_add(other.$counter),)*
                    $($own: self.$own.saturating_add(other.$own),)*
                }
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = self.saturating_add(other);
            }
        }
    };
}

counters! {
    /// Connections, calls and bytes.
    Counts {
        /// Connections that stood when watching began.
        existing,
        /// Connections established since; of sockets without connections, first datagrams to a peer.
        opened,
        /// Connections ended; of TCP only.
        closed,
        /// Connects that failed.
        failed,
        /// Send calls that moved payload.
        sends,
        /// Receive calls that moved payload.
        receives,
        /// Bytes that send calls took.
        bytes_sent,
        /// Bytes that receive calls gave.
        bytes_received,
        ;
        /// How the connections fared; of TCP only.
        health: Health,
    }
}

counters! {
    /// How TCP connections fared.
    Health {
        /// Connects that failed with `ECONNREFUSED`.
        refused,
        /// With `ETIMEDOUT`.
        timed_out,
        /// With `EHOSTUNREACH` or `ENETUNREACH`.
        unreachable,
        /// Segments this end has sent again, SYNs included.
        retransmits_sent,
        /// Segments the other end has sent again, where that end is seen.
        retransmits_received,
        /// Resets this end has sent.
        resets_sent,
        /// Resets it has received.
        resets_received,
        /// Nanoseconds from `connect` to established, of all connections that a client opened.
        connect_ns,
        /// Nanoseconds from established to closed, of all connections that did both in sight.
        lifetime_ns,
        /// Microseconds: smoothed round trip times, one a connection and tick in which it moved bytes.
        rtt_us,
        /// How many of them.
        rtt_samples,
        /// Connections that a listener had no room for in its backlog.
        overflows,
        ;
        /// The shortest round trip, in microseconds.
        rtt_min_us: Least,
    }
}

impl Counts {
    /// The same traffic, as the other end counts it.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        let health = self.health;
        Self {
            sends: self.receives,
            receives: self.sends,
            bytes_sent: self.bytes_received,
            bytes_received: self.bytes_sent,
            health: Health {
                retransmits_sent: health.retransmits_received,
                retransmits_received: health.retransmits_sent,
                resets_sent: health.resets_received,
                resets_received: health.resets_sent,
                ..health
            },
            ..self
        }
    }

    /// Connections there were, and attempts that failed.
    #[must_use]
    pub const fn connections(&self) -> u64 {
        self.existing + self.opened + self.failed
    }

    /// TCP connections that stand now.
    #[must_use]
    pub const fn active(&self) -> u64 {
        (self.existing + self.opened).saturating_sub(self.closed)
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl Health {
    /// The mean of what was smoothed already; `None` when nothing moved.
    #[must_use]
    pub const fn rtt_mean_us(&self) -> Option<u64> {
        self.rtt_us.checked_div(self.rtt_samples)
    }
}

/// The least of some numbers, if there were any.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Least(pub Option<u32>);

impl Least {
    /// What is taken away from a least leaves it as it was.
    const fn saturating_sub(self, _: Self) -> Self {
        self
    }

    const fn saturating_add(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(a), Some(b)) if b < a => other,
            (None, _) => other,
            _ => self,
        }
    }
}

impl From<&FlowCounters> for Counts {
    /// Also the retransmissions of the other end are known only to its own flow.
    fn from(flow: &FlowCounters) -> Self {
        Self {
            existing: flow.existing,
            opened: flow.opened,
            closed: flow.closed,
            failed: flow.failed,
            sends: flow.sends,
            receives: flow.receives,
            bytes_sent: flow.bytes_sent,
            bytes_received: flow.bytes_received,
            health: Health {
                refused: flow.refused,
                timed_out: flow.timed_out,
                unreachable: flow.unreachable,
                retransmits_sent: flow.retransmits,
                retransmits_received: 0,
                resets_sent: flow.resets_sent,
                resets_received: flow.resets_received,
                connect_ns: flow.connect_ns,
                lifetime_ns: flow.lifetime_ns,
                rtt_us: flow.rtt_us,
                rtt_samples: flow.rtt_samples,
                overflows: flow.overflows,
                rtt_min_us: Least((flow.rtt_min_us != 0).then_some(flow.rtt_min_us)),
            },
        }
    }
}
