//! What the integration tests and the demo stand on: a container engine, and programs for images.

use super::{Need, Step, Way, apt, packages};
use crate::machine;
use probe_tests::debian;

/// What an engine is made of, and what gives it a network of its own.
const ENGINE_PROGRAMS: &[&str] = &[
    "dockerd",
    "docker",
    "containerd",
    "runc",
    "iptables",
    "ip",
    "nsenter",
];

/// What the images are made of.
const IMAGE_PROGRAMS: &[&str] = &[
    "busybox",
    "nginx",
    "redis-server",
    "redis-cli",
    "postgres",
    "initdb",
    "psql",
    "dnsmasq",
];

/// A Docker engine; the fixtures start one for themselves, apart from any that runs.
pub(crate) const ENGINE: Need = Need {
    name: "a Docker engine",
    met: || {
        ENGINE_PROGRAMS
            .iter()
            .all(|name| machine::program(name).is_some())
    },
    ways: &[Way {
        open: apt::usable,
        steps: || {
            Ok(vec![packages(&[
                "docker.io",
                "iptables",
                "iproute2",
                "util-linux",
            ])])
        },
    }],
    by_hand: &["apt-get install docker.io iptables iproute2 util-linux"],
};

/// Podman, which speaks Docker's API too.
pub(crate) const PODMAN: Need = Need {
    name: "Podman",
    met: || machine::program("podman").is_some(),
    ways: &[Way {
        open: apt::usable,
        steps: || Ok(vec![packages(&["podman", "netavark"])]),
    }],
    by_hand: &["apt-get install podman netavark"],
};

/// Servers and tools to make images of.
pub(crate) const IMAGES: Need = Need {
    name: "programs for images",
    met: || {
        IMAGE_PROGRAMS
            .iter()
            .all(|name| debian::find(name).is_some())
    },
    ways: &[Way {
        open: apt::usable,
        steps: || {
            let names = [
                "busybox-static",
                "nginx-light",
                "redis-server",
                "redis-tools",
                "dnsmasq-base",
            ];
            let postgres = ["postgresql", "postgresql-client"];
            let names = names.iter().chain(&postgres);
            Ok(vec![Step::Unpack(
                names.copied().map(str::to_owned).collect(),
            )])
        },
    }],
    by_hand: &[
        "apt-get install busybox-static nginx-light redis-server redis-tools postgresql dnsmasq-base",
    ],
};
