//! Where things are: the workspace and what it builds.

use std::env;
use std::path::{Path, PathBuf};

/// The workspace's root directory.
#[must_use]
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// Where cargo puts what it builds; a relative `CARGO_TARGET_DIR` counts from where we are.
#[must_use]
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR")
        .and_then(|dir| std::path::absolute(dir).ok())
        .unwrap_or_else(|| root().join("target"))
}

/// The probe that a release build leaves.
#[must_use]
pub fn probe_built() -> PathBuf {
    target().join("release/probe")
}

/// The probe under test: `PROBE_BIN`, or the release build.
#[must_use]
pub fn probe() -> PathBuf {
    env::var_os("PROBE_BIN").map_or_else(probe_built, PathBuf::from)
}

/// Things fetched for this workspace alone; programs are in its `bin`.
#[must_use]
pub fn tools() -> PathBuf {
    target().join("tools")
}
