//! `cargo xtask test`: unit tests, then the integration tests on a real engine.

use anyhow::{Result, bail};
use probe_tests::place;

use crate::line::Line;
use crate::need::{self, bpf, engine, read};
use crate::stop::Stop;
use crate::{build, machine, matrix, say};

/// Builds the probe, then runs every test whose name contains `filter`, here or inside other
/// kernels.
pub(crate) fn test(filter: Option<&str>, kernels: &[String]) -> Result<()> {
    if !machine::root() {
        bail!(
            "the tests load kernel programs and start an engine: run `sudo -E cargo xtask test`, \
             or `cargo test --workspace --exclude probe-tests` for those that need no root"
        );
    }
    if !kernels.is_empty() {
        return matrix::test(kernels, filter, &Stop::watch()?);
    }
    need::meet(&[
        &bpf::COMPILER,
        &bpf::BPF_LINKER,
        &engine::ENGINE,
        &engine::IMAGES,
        &engine::PODMAN,
        &read::CLOCK,
        &read::GRAPHVIZ,
        &read::MANUAL,
        &read::NODE,
        &read::PROMETHEUS,
        &read::TLS,
    ])?;
    build::build()?;
    let cargo_test = || Line::cargo().args(["test", "--no-fail-fast"]);
    let unit = cargo_test()
        .args(["--workspace", "--exclude", "probe-tests"])
        .args(filter);
    // One at a time: each has an engine of its own, and some measure.
    let integration = cargo_test()
        .args(["--package", "probe-tests"])
        .args(filter)
        .args(["--", "--test-threads", "1"])
        .env("PROBE_BIN", place::probe_built());
    let stop = Stop::watch()?;
    let mut failed = Vec::new();
    // A failed unit test is no reason to hide what the integration tests have to say.
    for line in [unit, integration] {
        if stop.check().is_err() {
            break;
        }
        say::progress(&line);
        if !stop.run(&mut line.command())?.success() {
            failed.push(format!("`{line}`"));
        }
    }
    // Tests that were killed could not clear up.
    probe_tests::engine::sweep()?;
    stop.check()?;
    if !failed.is_empty() {
        bail!("tests failed: {}", failed.join(" and "));
    }
    Ok(())
}
