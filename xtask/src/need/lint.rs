//! What `cargo xtask check` lints with.

use std::path::Path;

use probe_tests::place;

use super::{Need, Step, Way, apt, bpf, packages};
use crate::line::Line;
use crate::machine;

/// Pinned, so that a new word in its list does not fail yesterday's commit.
const TYPOS: &str = "1.52.0";
/// Pinned as well; the newest that this workspace's Rust builds.
const CARGO_DENY: &str = "0.20.2";

/// Where Debian's clippy is, apart from rustup's.
pub(crate) const DEBIAN_CLIPPY: &str = "/usr/bin/cargo-clippy";

/// The spelling checker. It is on PyPI as a binary, which is there at once.
pub(crate) const SPELLING: Need = Need {
    name: "typos",
    met: || machine::program("typos").is_some(),
    ways: &[
        Way {
            open: || machine::program("pip3").is_some(),
            steps: || Ok(vec![pip_line()]),
        },
        Way {
            open: apt::usable,
            steps: || Ok(vec![packages(&["python3-pip"]), pip_line()]),
        },
        Way {
            open: || true,
            steps: || Ok(vec![cargo_line("typos-cli", TYPOS)]),
        },
    ],
    by_hand: &[],
};

/// The checker of dependencies. PyPI's is years old and cannot read today's configuration.
pub(crate) const DEPENDENCIES: Need = Need {
    name: "cargo-deny",
    met: || machine::program("cargo-deny").is_some(),
    ways: &[Way {
        open: || true,
        steps: || Ok(vec![cargo_line("cargo-deny", CARGO_DENY)]),
    }],
    by_hand: &[],
};

/// A clippy for the kernel programs: of the compiler that builds them, as another one's has no
/// `core` for BPF.
pub(crate) const BPF_CLIPPY: Need = Need {
    name: "clippy for BPF",
    met: || !bpf::debian_compiler() || Path::new(DEBIAN_CLIPPY).exists(),
    ways: &[Way {
        open: apt::usable,
        steps: || Ok(vec![packages(&["rust-web-clippy"])]),
    }],
    by_hand: &["apt-get install rust-web-clippy"],
};

/// Into a directory of ours: the system's own may be closed to pip. `--upgrade` lets it go on
/// where an earlier try left something.
fn pip_line() -> Step {
    let line = Line::new("pip3").args(["install", "--quiet", "--upgrade", "--target"]);
    Step::Run(line.arg(place::tools()).arg(format!("typos=={TYPOS}")))
}

fn cargo_line(name: &str, version: &str) -> Step {
    let line = Line::cargo().args(["install", "--locked", "--quiet", name, "--version", version]);
    Step::Run(
        line.without_env("RUSTFLAGS")
            .without_env("CARGO_TARGET_DIR"),
    )
}
