//! What `deploy/` is checked with.

use std::path::PathBuf;

use probe_tests::place;

use super::{Need, Step, Way, apt, packages, python::Python};
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

/// Compose itself, of the second generation: the first does not know today's specification. Debian
/// has it since trixie; it needs nothing of that but itself.
pub(crate) const COMPOSE: Need = Need {
    name: "Docker Compose 2",
    met: || compose().is_some(),
    ways: &[Way {
        open: apt::usable,
        steps: || {
            Ok(vec![Step::Extract {
                suite: "trixie",
                package: "docker-compose",
                root: own_compose(),
            }])
        },
    }],
    by_hand: &["apt-get install docker-compose-plugin"],
};

/// Where we put it, when the machine has none.
fn own_compose() -> PathBuf {
    place::tools().join("compose")
}

/// It is a plugin of `docker`, and serves without it.
pub(crate) fn compose() -> Option<PathBuf> {
    let roots = ["/", "/usr/local"].map(PathBuf::from).into_iter();
    let roots = roots.chain([own_compose()]);
    let mut places = roots.flat_map(|root| {
        ["usr/libexec", "usr/lib", "libexec", "lib"].map(|directory| {
            root.join(directory)
                .join("docker/cli-plugins/docker-compose")
        })
    });
    places.find(|file| file.is_file())
}

/// Where they are.
pub(crate) fn schemas() -> PathBuf {
    PYTHON.place()
}
