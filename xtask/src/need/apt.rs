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

/// Extracts one package of another of Debian's suites into a directory. The machine's own lists and
/// packages stay as they are.
pub(super) fn extract_of(suite: &str, package: &str, root: &Path) -> Result<()> {
    let archives = root.with_extension("archives");
    let (lists, source) = (archives.join("lists"), archives.join("debian.sources"));
    let text = format!(
        "Types: deb\nURIs: http://deb.debian.org/debian\nSuites: {suite}\nComponents: main\n\
         Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    );
    fs::create_dir_all(lists.join("partial"))
        .and_then(|()| fs::write(&source, text))
        .with_context(|| format!("cannot make {}", archives.display()))?;
    let options = [
        format!("Dir::Etc::SourceList={}", source.display()),
        "Dir::Etc::SourceParts=/dev/null".to_owned(),
        format!("Dir::State::Lists={}", lists.display()),
        "Dir::Cache::pkgcache=".to_owned(),
        "Dir::Cache::srcpkgcache=".to_owned(),
        "Acquire::Languages=none".to_owned(),
        // What apt-file and software centres have asked for.
        "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false".to_owned(),
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
    ];
    let line = |verb: &str| {
        let words = options.iter().flat_map(|option| ["-o", option.as_str()]);
        line(verb).args(words).at(&archives)
    };
    line("update").run()?;
    line("download").arg(package).run()?;
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
