//! Debian's packages.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};

use crate::line::Line;
use crate::machine;

/// Seconds to wait for another apt to finish: a fresh machine often runs one of its own.
const LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=600";

/// Whether packages can be installed: apt is there and we are root.
pub(super) fn usable() -> bool {
    machine::root() && machine::program("apt-get").is_some()
}

/// Installs packages, after one `apt-get update` a run. It removes none: a machine that has another
/// compiler or engine from packages keeps it, and this fails.
pub(super) fn install(packages: &[String]) -> Result<()> {
    update()?;
    line("install")
        .args(["--yes", "--no-install-recommends", "--no-remove"])
        .args(packages)
        .run()
}

/// Unpacks packages into a directory, with what they depend on as far as this machine lacks it.
/// The packages themselves also if it has them: a program may be a link into another package.
pub(super) fn unpack(packages: &[String], root: &Path) -> Result<()> {
    update()?;
    let archives = root.with_extension("archives");
    fs::create_dir_all(archives.join("partial"))
        .and_then(|()| fs::create_dir_all(root))
        .with_context(|| format!("cannot make {}", root.display()))?;
    line("install")
        .args(["--yes", "--no-install-recommends"])
        .args(["--reinstall", "--download-only"])
        .args([
            "-o".to_owned(),
            format!("Dir::Cache::archives={}", archives.display()),
        ])
        .args(packages)
        .run()?;
    extract_all(&archives, root)
}

/// Extracts every package of a directory, and removes that.
fn extract_all(archives: &Path, root: &Path) -> Result<()> {
    let found = archives
        .read_dir()
        .with_context(|| format!("cannot read {}", archives.display()))?;
    for entry in found {
        let archive = entry?.path();
        if archive
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            Line::new("dpkg-deb")
                .arg("--extract")
                .arg(archive)
                .arg(root)
                .run()?;
        }
    }
    fs::remove_dir_all(archives).with_context(|| format!("cannot remove {}", archives.display()))
}

/// The names of packages that match an extended regular expression.
pub(super) fn search(pattern: &str) -> Result<Vec<String>> {
    update()?;
    let line = Line::new("apt-cache").args(["search", "--names-only", pattern]);
    let printed = line.stdout()?;
    let names = printed.lines().filter_map(|line| line.split(' ').next());
    Ok(names.map(str::to_owned).collect())
}

/// Unpacks one package alone into a directory.
pub(super) fn extract(package: &str, root: &Path) -> Result<()> {
    update()?;
    let archives = root.with_extension("archives");
    fs::create_dir_all(&archives).with_context(|| format!("cannot make {}", archives.display()))?;
    line("download").arg(package).at(&archives).run()?;
    extract_all(&archives, root)
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
