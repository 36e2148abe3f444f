//! What a probe for another architecture is built with: 64-bit Arm's, the one that matters besides
//! x86-64.

use std::path::Path;

use super::{Need, Step, Way, apt, packages};
use crate::line::Line;
use crate::machine;

/// The target, as rustc calls it.
pub(crate) const TARGET: &str = "aarch64-unknown-linux-gnu";
/// Compiles and links for it; what compiles C finds it by itself.
pub(crate) const C_COMPILER_PROGRAM: &str = "aarch64-linux-gnu-gcc";
/// Where cargo looks for its linker.
pub(crate) const LINKER_VARIABLE: &str = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER";
/// Runs one of its programs.
pub(crate) const EMULATOR_PROGRAM: &str = "qemu-aarch64-static";

/// The compiler's own, which rustup has for many targets.
pub(crate) const STANDARD_LIBRARY: Need = Need {
    name: "Rust's standard library for aarch64",
    met: || {
        let rustc = Line::new("rustc").args(["--print", "target-libdir", "--target", TARGET]);
        let library = rustc.stdout();
        library.is_ok_and(|library| Path::new(library.trim()).is_dir())
    },
    ways: &[Way {
        open: || machine::program("rustup").is_some(),
        steps: || {
            let rustup = Line::new("rustup").args(["target", "add", TARGET]);
            Ok(vec![Step::Run(rustup)])
        },
    }],
    by_hand: &["rustup target add aarch64-unknown-linux-gnu"],
};

/// A C compiler, for the cryptography that TLS is made of, and its library, to be linked with.
pub(crate) const C_COMPILER: Need = Need {
    name: "a C compiler for aarch64",
    met: || machine::program(C_COMPILER_PROGRAM).is_some(),
    ways: &[Way {
        open: apt::usable,
        steps: || {
            let names = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"];
            Ok(vec![packages(&names)])
        },
    }],
    by_hand: &["apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"],
};

/// Runs what was built.
pub(crate) const EMULATOR: Need = Need {
    name: "an emulator for aarch64",
    met: || machine::program(EMULATOR_PROGRAM).is_some(),
    ways: &[Way {
        open: apt::usable,
        steps: || Ok(vec![packages(&["qemu-user-static"])]),
    }],
    by_hand: &["apt-get install qemu-user-static"],
};
