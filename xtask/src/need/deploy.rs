//! What `deploy/` is checked with.

use std::path::PathBuf;

use super::{Need, Way, apt, packages, python::Python};
use crate::machine;

/// Pinned: a newer schema may refuse what an older one took.
const PYTHON: Python = Python {
    name: "schemas",
    packages: &[
        "botocore==1.44.5",
        "check-jsonschema==0.39.0",
        "kubernetes-validate==1.37.0",
    ],
};

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

/// The schemas of Compose, Kubernetes and AWS, with what checks against them.
pub(crate) const SCHEMAS: Need = Need {
    name: "the schemas of deploy/",
    met: || {
        let bin = PYTHON.bin();
        // The last is a program of what botocore depends on: it has none itself.
        ["check-jsonschema", "kubernetes-validate", "jp.py"]
            .iter()
            .all(|name| bin.join(name).is_file())
    },
    ways: &[
        Way {
            open: || machine::program("python3").is_some(),
            steps: || Ok(PYTHON.steps()),
        },
        Way {
            open: apt::usable,
            steps: || Ok(PYTHON.steps_with_venv()),
        },
    ],
    by_hand: &["apt-get install python3-venv"],
};

/// Where they are.
pub(crate) fn schemas() -> PathBuf {
    PYTHON.place()
}
