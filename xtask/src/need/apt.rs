//! Debian's packages.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};

use crate::line::Line;
use crate::workspace;

/// Seconds to wait for another apt to finish: a fresh machine often runs one of its own.
const LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=600";

/// Whether packages can be installed: apt is there and we are root.
pub(super) fn usable() -> bool {
    root() && workspace::program("apt-get").is_some()
}

/// Whether we are root: our own directory in `/proc` is.
pub(super) fn root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|of_us| of_us.uid() == 0)
}

/// Installs packages, after one `apt-get update` a run.
pub(super) fn install(packages: &[String]) -> Result<()> {
    update()?;
    line("install")
        .arg("--yes")
        .arg("--no-install-recommends")
        .args(packages)
        .run()
}

/// Downloads packages and what they lack on this machine into a directory, and installs nothing.
pub(super) fn download(packages: &[&str], directory: &str) -> Result<()> {
    update()?;
    line("install")
        .args(["--yes", "--no-install-recommends", "--download-only"])
        .args(["-o".to_owned(), format!("Dir::Cache::archives={directory}")])
        .args(packages)
        .run()
}

fn update() -> Result<()> {
    static UPDATED: OnceLock<Result<(), String>> = OnceLock::new();
    UPDATED
        .get_or_init(|| line("update").run().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(|error| anyhow!(error))
        .context("cannot read the package lists")
}

/// apt-get, asking nothing, its output kept back until it fails.
fn line(verb: &str) -> Line {
    Line::new("apt-get")
        .args(["-o", LOCK_TIMEOUT, "--quiet", verb])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .quiet()
}
