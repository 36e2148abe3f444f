//! Programs for images: the machine's own, or those of Debian packages that were unpacked for us.
//!
//! Servers are unpacked rather than installed, because Debian starts a server that it installs.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::place;

/// Where programs are, below a root.
const DIRECTORIES: &[&str] = &["usr/bin", "usr/sbin", "bin", "sbin", "usr/local/bin"];

/// Where `cargo xtask` unpacks packages.
#[must_use]
pub fn unpacked() -> PathBuf {
    place::tools().join("debian")
}

/// A file of the machine or of the unpacked packages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// `/`, or where the packages are unpacked.
    pub root: PathBuf,
    /// Where it is below that root, and in an image.
    pub path: PathBuf,
}

impl Found {
    /// Where it is on this machine.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.root.join(&self.path)
    }
}

/// A program by its name; `postgres` and its kin are found in their newest version.
#[must_use]
pub fn find(name: &str) -> Option<Found> {
    [PathBuf::from("/"), unpacked()]
        .into_iter()
        .find_map(|root| {
            let mut directories: Vec<_> = postgres_versions(&root)
                .into_iter()
                .map(|version| version.join("bin"))
                .collect();
            directories.extend(DIRECTORIES.iter().map(PathBuf::from));
            let path = directories
                .into_iter()
                .map(|directory| directory.join(name))
                .find(|path| root.join(path).is_file())?;
            Some(Found { root, path })
        })
}

/// As [`find`], with an error that says how to get it.
pub fn program(name: &str) -> Result<Found> {
    find(name).with_context(|| format!("`{name}` is not here; `cargo xtask test` as root gets it"))
}

/// A program to run on this machine: on Debian a plain `PATH` may lack the system's ones.
pub fn host_program(name: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
        .with_context(|| format!("`{name}` is not here; `cargo xtask test` as root installs it"))
}

/// The directories `usr/lib/postgresql/N` below a root, newest first.
fn postgres_versions(root: &Path) -> Vec<PathBuf> {
    let base = Path::new("usr/lib/postgresql");
    let entries = root.join(base).read_dir().into_iter().flatten().flatten();
    let mut versions: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions
        .into_iter()
        .map(|version| base.join(version.to_string()))
        .collect()
}
