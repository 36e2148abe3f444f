//! What `deploy/` is checked with.

use std::path::PathBuf;

use probe_tests::place;

use super::{Need, Step, Way, apt, packages};
use crate::line::Line;
use crate::machine;

/// Pinned: a newer schema may refuse what an older one took.
const PACKAGES: &[&str] = &[
    "botocore==1.44.5",
    "check-jsonschema==0.39.0",
    "kubernetes-validate==1.37.0",
];

/// A linter of shell.
pub(crate) const SHELLCHECK: Need = Need {
    name: "shellcheck",
    met: || machine::program("shellcheck").is_some(),
    ways: &[Way {
        open: apt::usable,
        steps: || Ok(vec![packages(&["shellcheck"])]),
    }],
    by_hand: &["apt-get install shellcheck"],
};

/// Who reads units.
pub(crate) const SYSTEMD: Need = Need {
    name: "systemd-analyze",
    met: || machine::program("systemd-analyze").is_some(),
    ways: &[Way {
        open: apt::usable,
        steps: || Ok(vec![packages(&["systemd"])]),
    }],
    by_hand: &["apt-get install systemd"],
};

/// The schemas of Compose, Kubernetes and AWS, with what checks against them, in a Python of their
/// own.
pub(crate) const SCHEMAS: Need = Need {
    name: "the schemas of deploy/",
    met: || {
        let bin = schemas().join("bin");
        // The last is a program of what botocore depends on: it has none itself.
        ["check-jsonschema", "kubernetes-validate", "jp.py"]
            .iter()
            .all(|name| bin.join(name).is_file())
    },
    ways: &[
        Way {
            open: || machine::program("python3").is_some(),
            steps: || Ok(vec![venv(), pip()]),
        },
        Way {
            open: apt::usable,
            steps: || Ok(vec![packages(&["python3-venv"]), venv(), pip()]),
        },
    ],
    by_hand: &["apt-get install python3-venv"],
};

/// Where they are.
pub(crate) fn schemas() -> PathBuf {
    place::tools().join("schemas")
}

fn venv() -> Step {
    // Anew, where an earlier try left something.
    let line = Line::new("python3").args(["-m", "venv", "--clear"]);
    Step::Run(line.arg(schemas()).quiet())
}

fn pip() -> Step {
    let line = Line::new(schemas().join("bin/pip")).args(["install", "--quiet"]);
    Step::Run(line.args(PACKAGES).quiet())
}
