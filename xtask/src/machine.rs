//! The machine: where its programs are, and who we are on it.

use std::env;
use std::path::PathBuf;

use probe_tests::place;

/// Where `cargo install` puts programs.
pub(crate) fn cargo_bin() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    Some(
        home.or_else(|| Some(env::home_dir()?.join(".cargo")))?
            .join("bin"),
    )
}

/// A program by name: ours first, then `PATH`, then where `PATH` may not lead yet.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    std::iter::once(place::tools().join("bin"))
        .chain(env::split_paths(&path))
        .chain(cargo_bin())
        // A plain user's PATH lacks these on Debian.
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
}

/// Where rustup keeps toolchains.
pub(crate) fn rustup_toolchains() -> Option<PathBuf> {
    let home = env::var_os("RUSTUP_HOME").map(PathBuf::from);
    Some(
        home.or_else(|| Some(env::home_dir()?.join(".rustup")))?
            .join("toolchains"),
    )
}

/// Whether we are root.
pub(crate) fn root() -> bool {
    nix::unistd::Uid::effective().is_root()
}
