//! `cargo xtask check --target ARCH`: the probe, kernel programs inside, for another architecture.
//!
//! It is built as `cargo xtask image` builds it, linked statically, but without optimisation: so it
//! runs in an emulator that knows system calls and nothing of BPF.

use anyhow::Result;
use clap::ValueEnum;
use probe_tests::place;

use crate::line::Line;
use crate::need::{self, bpf, cross};
use crate::{machine, say};

/// What the probe can be built for besides this machine.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Arch {
    /// As AWS's Graviton has it
    Aarch64,
}

/// Builds it, and lets it say what takes no kernel programs.
pub(super) fn check(arch: Arch) -> Result<()> {
    let Arch::Aarch64 = arch;
    need::meet(&[
        &bpf::COMPILER,
        &bpf::BPF_LINKER,
        &cross::STANDARD_LIBRARY,
        &cross::C_COMPILER,
        &cross::EMULATOR,
    ])?;
    let directory = place::target().join("cross");
    let build = Line::cargo()
        .args(["build", "--quiet", "--package", "probe-user", "--bin"])
        .args(["probe", "--target", cross::TARGET, "--target-dir"])
        .arg(&directory)
        .env(cross::LINKER_VARIABLE, cross::C_COMPILER_PROGRAM)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .without_env("CARGO_ENCODED_RUSTFLAGS")
        // It is run and thrown away: debug info would be most of the work.
        .env("CARGO_PROFILE_DEV_DEBUG", "none");
    say::progress(&build);
    build.run()?;
    let emulator = machine::program(cross::EMULATOR_PROGRAM);
    let emulator = emulator.unwrap_or_else(|| cross::EMULATOR_PROGRAM.into());
    let probe = directory.join(cross::TARGET).join("debug/probe");
    for words in [
        &["--version"][..],
        &["filter", "--list"],
        &["graph", "--schema"],
    ] {
        let line = Line::new(&emulator).arg(&probe).args(words).quiet();
        say::progress(&line);
        line.run()?;
    }
    Ok(())
}
