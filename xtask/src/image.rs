//! `cargo xtask image`: the probe alone in an image, made from nothing: no base, no shell.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use probe_tests::{image, place};

use crate::line::Line;
use crate::need::{self, bpf};
use crate::{machine, say};

/// Builds a static probe and imports it into the engine that `DOCKER_HOST` names, or the machine's.
pub(crate) fn image() -> Result<()> {
    need::meet(&[&bpf::COMPILER, &bpf::BPF_LINKER])?;
    let Some(docker) = machine::program("docker") else {
        bail!("an image needs `docker`: run `apt-get install docker.io`, or install Docker");
    };
    let answers = Command::new(&docker)
        .arg("version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("cannot start docker")?;
    if !answers.success() {
        bail!("no Docker engine answers: start one, or set DOCKER_HOST to where it is");
    }
    let probe = stripped(&binary()?)?;
    let name = concat!("probe:", env!("CARGO_PKG_VERSION"));
    let stage = place::target().join("image");
    // What an earlier try left would be in the image.
    let _ = fs::remove_dir_all(&stage);
    image::import_probe(&probe, name, Command::new(docker), &stage)?;
    say::progress(format_args!(
        "imported {name}; docs/deploy.md says how to run it"
    ));
    Ok(())
}

/// The probe as one static file. glibc can be linked statically and still looks names up, and musl's
/// standard library is not to be had everywhere.
fn binary() -> Result<PathBuf> {
    let target = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let directory = place::target().join("static");
    Line::cargo()
        .args(["build", "--release", "--package", "probe-user"])
        // Naming the target keeps the flags away from build scripts and derives.
        .args(["--target", &target, "--target-dir"])
        .arg(&directory)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .without_env("CARGO_ENCODED_RUSTFLAGS")
        .run()?;
    Ok(directory.join(target).join("release/probe"))
}

/// The same without what debuggers read, which is most of it. The file beside it keeps that.
fn stripped(probe: &Path) -> Result<PathBuf> {
    let stripped = probe.with_extension("stripped");
    Line::new("strip")
        .args(["--strip-debug", "-o"])
        .arg(&stripped)
        .arg(probe)
        .run()?;
    Ok(stripped)
}
