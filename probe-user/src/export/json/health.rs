//! How TCP fared, as JSON says it.

use serde::{Deserialize, Serialize};

use crate::kernel::flows;

/// How TCP fared between two nodes, as the source sees it.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub(super) struct Health {
    /// Connects that failed with `ECONNREFUSED`.
    pub(super) refused: u64,
    /// With `ETIMEDOUT`.
    pub(super) timed_out: u64,
    /// With `EHOSTUNREACH` or `ENETUNREACH`.
    pub(super) unreachable: u64,
    /// Segments that the source has sent again, SYNs included.
    pub(super) retransmits_sent: u64,
    /// Segments that the target has sent again, where that end was seen.
    pub(super) retransmits_received: u64,
    /// Resets that the source has sent.
    pub(super) resets_sent: u64,
    /// Resets that it has received.
    pub(super) resets_received: u64,
    /// Nanoseconds from connect to established, of all connections that were opened in sight.
    pub(super) connect_ns: u64,
    /// Nanoseconds from established to closed, of all connections that did both in sight.
    pub(super) lifetime_ns: u64,
    /// The mean of the smoothed round trip times, in microseconds; null when none was measured.
    pub(super) rtt_us: Option<u64>,
    /// How many it is the mean of: one for each connection and second in which it moved bytes.
    pub(super) rtt_samples: u64,
    /// The shortest round trip, in microseconds; null when none was measured.
    pub(super) rtt_min_us: Option<u32>,
}

impl From<flows::Health> for Health {
    fn from(health: flows::Health) -> Self {
        Self {
            refused: health.refused,
            timed_out: health.timed_out,
            unreachable: health.unreachable,
            retransmits_sent: health.retransmits_sent,
            retransmits_received: health.retransmits_received,
            resets_sent: health.resets_sent,
            resets_received: health.resets_received,
            connect_ns: health.connect_ns,
            lifetime_ns: health.lifetime_ns,
            rtt_us: health.rtt_mean_us(),
            rtt_samples: health.rtt_samples,
            rtt_min_us: health.rtt_min_us.0,
        }
    }
}

impl From<Health> for flows::Health {
    fn from(health: Health) -> Self {
        Self {
            refused: health.refused,
            timed_out: health.timed_out,
            unreachable: health.unreachable,
            retransmits_sent: health.retransmits_sent,
            retransmits_received: health.retransmits_received,
            resets_sent: health.resets_sent,
            resets_received: health.resets_received,
            connect_ns: health.connect_ns,
            lifetime_ns: health.lifetime_ns,
            rtt_us: health
                .rtt_us
                .unwrap_or_default()
                .saturating_mul(health.rtt_samples),
            rtt_samples: health.rtt_samples,
            rtt_min_us: flows::Least(health.rtt_min_us),
            overflows: 0,
        }
    }
}
