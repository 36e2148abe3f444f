//! What the tests read the probe's output with.

use std::path::Path;

use super::{Need, Step, Way, apt, packages};
use crate::machine;
use probe_tests::debian;

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

/// Runs Mermaid's own parser; npm gets that.
pub(crate) const NODE: Need = Need {
    name: "Node",
    met: || {
        ["node", "npm"]
            .iter()
            .all(|name| machine::program(name).is_some())
    },
    ways: &[Way {
        open: apt::usable,
        steps: || Ok(vec![packages(&["nodejs", "npm"])]),
    }],
    by_hand: &["apt-get install nodejs npm"],
};

/// Scrapes and checks metrics. Unpacked: Debian would start it.
pub(crate) const PROMETHEUS: Need = Need {
    name: "Prometheus",
    met: || {
        ["prometheus", "promtool"]
            .iter()
            .all(|name| debian::find(name).is_some())
    },
    ways: &[Way {
        open: apt::usable,
        steps: || Ok(vec![Step::Unpack(vec!["prometheus".to_owned()])]),
    }],
    by_hand: &["apt-get install prometheus"],
};

/// What reads manual pages, and shells that completions are for.
pub(crate) const MANUAL: Need = Need {
    name: "readers of manual pages and completions",
    met: || {
        ["man", "mandoc", "bash", "zsh", "fish"]
            .iter()
            .all(|name| machine::program(name).is_some())
    },
    ways: &[Way {
        open: apt::usable,
        steps: || Ok(vec![packages(&["man-db", "mandoc", "bash", "zsh", "fish"])]),
    }],
    by_hand: &["apt-get install man-db mandoc bash zsh fish"],
};

/// Makes certificates, and asks with one.
pub(crate) const TLS: Need = Need {
    name: "openssl and curl",
    met: || {
        ["openssl", "curl"]
            .iter()
            .all(|name| machine::program(name).is_some())
    },
    ways: &[Way {
        open: apt::usable,
        steps: || Ok(vec![packages(&["openssl", "curl"])]),
    }],
    by_hand: &["apt-get install openssl curl"],
};

/// A clock that can be set for one program.
pub(crate) const CLOCK: Need = Need {
    name: "libfaketime",
    met: || {
        let libraries = format!("/usr/lib/{}-linux-gnu/faketime", std::env::consts::ARCH);
        Path::new(&libraries).is_dir()
    },
    ways: &[Way {
        open: apt::usable,
        steps: || Ok(vec![packages(&["libfaketime"])]),
    }],
    by_hand: &["apt-get install libfaketime"],
};
