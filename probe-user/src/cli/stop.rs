//! When a command ends: by signal or by time.

use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Until;

/// SIGINT, SIGTERM, or the end of `--duration`.
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    deadline: Option<tokio::time::Instant>,
}

impl Stop {
    /// Takes the signals over; the time runs from the first call of [`Stop::asked`]'s caller's
    /// choosing: see [`Stop::start`].
    pub(super) fn new() -> anyhow::Result<Self> {
        let take = |kind| signal(kind).context("cannot handle signals");
        Ok(Self {
            interrupt: take(SignalKind::interrupt())?,
            terminate: take(SignalKind::terminate())?,
            deadline: None,
        })
    }

    /// From now on `until` counts.
    pub(super) fn start(&mut self, until: &Until) {
        let after = |time: Duration| tokio::time::Instant::now().checked_add(time);
        self.deadline = until.duration.and_then(after);
    }

    /// Returns when the command is to end. May be dropped while it waits.
    pub(super) async fn asked(&mut self) {
        let deadline = self.deadline;
        let time_is_up = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = time_is_up => {}
        }
    }
}
