//! What the server counts of itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// Since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Requests that were answered.
    pub(super) requests: Count,
    /// Connections that found all places taken.
    pub(super) too_many: Count,
    /// Connections that did not come to speak TLS.
    pub(super) no_handshake: Count,
    /// Of clients whose certificate is missing or none that is known.
    pub(super) no_certificate: Count,
    /// Requests refused for their Host.
    pub(super) foreign_host: Count,
    /// Requests refused for where they came from.
    pub(super) foreign_origin: Count,
    /// Requests without a token that opens the door.
    pub(super) no_token: Count,
    /// Requests whose token does not reach that far.
    pub(super) no_scope: Count,
    /// Requests with a body.
    pub(super) bodies: Count,
    /// Readers let go because they fell behind.
    pub(super) slow_readers: Count,
    /// Metrics pushed.
    pub(super) pushed: Count,
    /// Metrics that nobody took.
    pub(super) not_pushed: Count,
}

/// One of them.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
