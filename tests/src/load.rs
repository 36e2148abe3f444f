//! What a load did, for whoever measures.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One line of JSON that `workload load` prints when it ends.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Done {
    /// Round trips, connections, transfers, programs or calls: what the load is made of.
    pub units: u64,
    /// How long it took.
    pub seconds: f64,
}

impl Done {
    /// So many units, in this time.
    #[must_use]
    pub fn new(units: u64, time: Duration) -> Self {
        Self {
            units,
            seconds: time.as_secs_f64(),
        }
    }

    /// Units a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        // Counts of what a machine does in minutes are far below 2⁵³.
        #[expect(clippy::cast_precision_loss, reason = "see above")]
        let units = self.units as f64;
        units / self.seconds
    }
}
