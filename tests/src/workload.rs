//! The `workload` program, as one static file that runs in an image of nothing else.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::{env, process::Command};

use anyhow::{Result, anyhow};

use crate::{place, shell};

/// Builds the program, once a process, and gives where it is: unless `WORKLOAD_BIN` says so.
pub fn binary() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    if let Some(built) = env::var_os("WORKLOAD_BIN") {
        return Ok(built.into());
    }
    let built = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    built.clone().map_err(|error| anyhow!(error))
}

fn build() -> Result<PathBuf> {
    // Naming the target keeps the flags away from build scripts and derives, which cannot be
    // static. musl would be the usual way, but not every machine can get its standard library.
    let target = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    // A directory of its own: the flags would have everything else rebuilt, and a cargo that is
    // running the tests may hold the lock of the usual one.
    let directory = place::target().join("static");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command: Command = shell::command(cargo);
    command
        .current_dir(place::root())
        .args([
            "build",
            "--quiet",
            "--release",
            "--package",
            "probe-tests",
            "--bin",
            "workload",
        ])
        .args(["--target", &target, "--target-dir"])
        .arg(&directory)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "-C target-feature=+crt-static");
    shell::output(&mut command)?;
    Ok(directory.join(target).join("release/workload"))
}
