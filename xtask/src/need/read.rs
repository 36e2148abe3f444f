//! What the tests read the probe's output with.

use super::{Need, Way, apt, packages};
use crate::machine;

/// Draws DOT.
pub(crate) const GRAPHVIZ: Need = Need {
    name: "Graphviz",
    met: || machine::program("dot").is_some(),
    ways: &[Way {
        open: apt::usable,
        steps: || Ok(vec![packages(&["graphviz"])]),
    }],
    by_hand: &["apt-get install graphviz"],
};
