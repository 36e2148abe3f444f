//! `cargo xtask check`: everything that is linted. All of it runs, whatever fails first.

mod cross;
mod deploy;

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use probe_tests::{place, wait};

use crate::line::Line;
use crate::need::{self, bpf, lint};
use crate::{machine, say};

/// A fetch that takes longer than this is from a machine that cannot reach the database.
const ADVISORIES_DEADLINE: Duration = Duration::from_mins(1);

/// What is checked.
#[derive(Args)]
pub(crate) struct Check {
    /// Instead: build the probe for this architecture, and run it emulated. It takes minutes
    #[arg(long, value_name = "ARCH", value_enum)]
    target: Option<cross::Arch>,
}

/// Format, clippy for the host and for BPF, dependencies, spelling, and what deploys the probe.
pub(crate) fn check(check: &Check) -> Result<()> {
    if let Some(arch) = check.target {
        return cross::check(arch);
    }
    need::meet(&[
        &bpf::COMPILER,
        &bpf::BPF_LINKER,
        &lint::SPELLING,
        &lint::DEPENDENCIES,
    ])?;
    let typos = machine::program("typos").unwrap_or_else(|| "typos".into());
    let mut lines = vec![
        Line::cargo().args(["fmt", "--all", "--check"]),
        Line::cargo()
            .args(["clippy", "--quiet", "--workspace", "--all-targets"])
            .args(["--", "--deny", "warnings"]),
        bpf_clippy(),
        deny().args(["check", "bans", "licenses", "sources"]),
        Line::new(typos),
    ];
    lines.extend(deploy::lines()?);
    if advisories_fetched()? {
        lines.push(deny().args(["check", "--disable-fetch", "advisories"]));
    } else {
        say::progress("advisories are not checked: their database cannot be fetched here");
    }
    let mut failed = Vec::new();
    for line in lines {
        say::progress(&line);
        if !line.status()?.success() {
            failed.push(format!("`{line}`"));
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn deny() -> Line {
    Line::cargo().args(["deny", "--log-level", "error"])
}

/// Lints the kernel programs with the compiler that builds them.
///
/// rustup's stable clippy has no `core` for BPF. Debian's compiler has a clippy in a package of
/// its own; where that cannot be had, what is left is the compiler's own warnings.
fn bpf_clippy() -> Line {
    // Apart from what the build leaves: a check would have it built again.
    let directory = place::target().join("bpf-check");
    let crate_for_bpf = |line: Line| {
        line.args(["--quiet", "--release", "--target", "bpfel-unknown-none"])
            .args(["--package", "probe-ebpf", "--features", "programs"])
            .arg("--target-dir")
            .arg(&directory)
    };
    if !bpf::debian_compiler() {
        let clippy = ["run", "nightly", "cargo", "clippy", "-Z", "build-std=core"];
        let line = crate_for_bpf(Line::of_another_toolchain("rustup").args(clippy));
        return line.args(["--", "--deny", "warnings"]);
    }
    // Debian's is a stable one, and the programs need what only a nightly has.
    let debian = |program: &str, verb: &str| {
        let line = Line::of_another_toolchain(program).arg(verb);
        crate_for_bpf(line)
            .env("CARGO", bpf::DEBIAN_CARGO)
            .env("RUSTC", bpf::DEBIAN_RUSTC)
            .env("RUSTC_BOOTSTRAP", "1")
    };
    match need::meet(&[&lint::BPF_CLIPPY]) {
        // By its path: `cargo clippy` would find rustup's first.
        Ok(()) => debian(lint::DEBIAN_CLIPPY, "clippy").args(["--", "--deny", "warnings"]),
        Err(error) => {
            say::progress(format_args!("no clippy for the kernel programs: {error:#}"));
            debian(bpf::DEBIAN_CARGO, "check").env("RUSTFLAGS", "-D warnings")
        }
    }
}

/// Whether cargo-deny has a fresh database of advisories.
fn advisories_fetched() -> Result<bool> {
    let mut fetch = deny().args(["fetch", "db"]).command();
    let mut child = fetch
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()?;
    let ended = wait::until("the database is fetched", ADVISORIES_DEADLINE, || {
        Ok(child.try_wait()?)
    });
    let Ok(status) = ended else {
        child.kill()?;
        child.wait()?;
        return Ok(false);
    };
    Ok(status.success())
}
