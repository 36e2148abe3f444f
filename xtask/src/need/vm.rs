//! What another kernel runs on: an emulator, and virtme-ng, which boots a kernel over this machine's
//! own root file system.

use std::path::PathBuf;

use probe_tests::debian;

use super::{Need, Step, Way, apt, packages, python::Python};
use crate::machine;

/// What virtme-ng packs a first file system with, and what finds and loads modules.
const BOOT_PROGRAMS: &[&str] = &["cpio", "zstd", "depmod", "modprobe", "script", "unshare"];

/// Its name, on this machine and among what was unpacked.
pub(crate) const EMULATOR_PROGRAM: &str = "qemu-system-x86_64";

/// Pinned: what we tell it to do is its newest way.
const PYTHON: Python = Python {
    name: "virtme",
    packages: &["virtme-ng==1.42"],
};

/// The emulator. Unpacked, not installed: next to another version of itself Debian's would ask to
/// remove that.
pub(crate) const EMULATOR: Need = Need {
    name: "an emulator",
    met: || debian::find(EMULATOR_PROGRAM).is_some(),
    ways: &[Way {
        open: apt::usable,
        steps: || Ok(vec![Step::Unpack(vec!["qemu-system-x86".to_owned()])]),
    }],
    by_hand: &["apt-get install qemu-system-x86"],
};

/// What a kernel is booted with.
pub(crate) const BOOT: Need = Need {
    name: "programs that boot a kernel",
    met: || {
        BOOT_PROGRAMS
            .iter()
            .all(|name| machine::program(name).is_some())
    },
    ways: &[Way {
        open: apt::usable,
        steps: || {
            Ok(vec![packages(&[
                "cpio",
                "kmod",
                "zstd",
                "bsdutils",
                "util-linux",
            ])])
        },
    }],
    by_hand: &["apt-get install cpio kmod zstd bsdutils util-linux"],
};

/// virtme-ng.
pub(crate) const VIRTME_NG: Need = Need {
    name: "virtme-ng",
    met: || virtme().join("bin/vng").is_file(),
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

/// Where virtme-ng is.
pub(crate) fn virtme() -> PathBuf {
    PYTHON.place()
}
