//! `cargo xtask test --kernel 6.1,6.12`: integration tests inside other kernels.

mod machine;

use std::env;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use probe_tests::{place, workload};
use serde_json::Value;

use crate::line::Line;
use crate::need::kernel::{self, Kernel};
use crate::need::{self, bpf, engine, vm};
use crate::stop::Stop;
use crate::{build, say};
use machine::Inside;

/// Tests that are meant for every kernel; a filter chooses among all others too.
const TESTS: &str = "kernels";
/// Where recorded bounds are, which `PROBE_RECORD=1` writes anew.
const RECORDED: &str = "tests/verified";

/// Boots each series' newest kernel, one after the other, and runs tests in it.
pub(crate) fn test(series: &[String], filter: Option<&str>, stop: &Stop) -> Result<()> {
    series
        .iter()
        .try_for_each(|series| kernel::check_series(series))?;
    need::meet(&[
        &bpf::COMPILER,
        &bpf::BPF_LINKER,
        &engine::ENGINE,
        &engine::IMAGES,
        &vm::EMULATOR,
        &vm::BOOT,
        &vm::VIRTME_NG,
    ])?;
    let kernels: Vec<_> = series
        .iter()
        .map(|series| Kernel::newest(series))
        .collect::<Result<_>>()?;
    // Whoever names a probe has built it.
    if env::var_os("PROBE_BIN").is_none() {
        build::build()?;
    }
    let tests = executables(filter)?;
    let workload = workload::binary()?;
    let record = env::var_os("PROBE_RECORD").map(|_| place::root().join(RECORDED));
    let inside = Inside {
        tests: &tests,
        filter: filter.unwrap_or_default(),
        workload: &workload,
        writable: record.as_deref(),
    };
    let mut failed = Vec::new();
    for kernel in &kernels {
        stop.check()?;
        say::progress(format_args!("booting {}", kernel.release));
        let start = Instant::now();
        let passed = machine::run(kernel, &inside, stop)
            .with_context(|| format!("kernel {}", kernel.release))?;
        say::progress(format_args!(
            "{} took {} s",
            kernel.release,
            start.elapsed().as_secs()
        ));
        if !passed {
            failed.push(kernel.release.as_str());
        }
    }
    if !failed.is_empty() {
        bail!("tests failed on kernel {}", failed.join(" and "));
    }
    Ok(())
}

/// Builds the integration tests; those for every kernel, or with a filter all.
fn executables(filter: Option<&str>) -> Result<Vec<PathBuf>> {
    let mut line = Line::cargo().args(["test", "--no-run", "--quiet", "--package", "probe-tests"]);
    line = match filter {
        Some(_) => line.args(["--tests"]),
        None => line.args(["--test", TESTS]),
    };
    let printed = line.args(["--message-format", "json"]).stdout()?;
    let built: Vec<_> = printed
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|message: &Value| message["target"]["kind"][0] == "test")
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .collect();
    if built.is_empty() {
        bail!("cargo built no integration tests");
    }
    Ok(built)
}
