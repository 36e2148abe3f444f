//! `cargo xtask fuzz`: the unit tests called `fuzz_…`, for as long as is asked.

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;
use probe_tests::place;

use crate::line::Line;
use crate::need::{self, bpf};
use crate::say;
use crate::stop::Stop;

/// What is fuzzed, and for how long.
#[derive(Args)]
pub(crate) struct Fuzz {
    /// Seconds for each target
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,

    /// Only targets whose name contains this, such as dns; all by default
    target: Option<String>,
}

/// Runs them, one after another; inputs that fell are kept in `target/fuzz`.
pub(crate) fn fuzz(fuzz: &Fuzz) -> Result<()> {
    need::meet(&[&bpf::COMPILER, &bpf::BPF_LINKER])?;
    let kept = place::target().join("fuzz");
    fs::create_dir_all(&kept).with_context(|| format!("cannot make {}", kept.display()))?;
    let name = format!("fuzz_{}", fuzz.target.as_deref().unwrap_or_default());
    // In one thread, that the time is each target's own.
    let line = Line::cargo()
        .args(["test", "--package", "probe-user", "--lib", &name, "--"])
        .args(["--nocapture", "--test-threads", "1"])
        .env("PROBE_FUZZ_SECONDS", fuzz.seconds.to_string())
        .env("PROBE_FUZZ_DIR", &kept);
    say::progress(&line);
    if !Stop::watch()?.run(&mut line.command())?.success() {
        bail!(
            "some input fell: it is in {}, and printed above",
            kept.display()
        );
    }
    Ok(())
}
