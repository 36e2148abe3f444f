//! Images, made of programs of this machine: nothing is pulled.

mod rootfs;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{place, shell, workload};

pub use rootfs::Rootfs;

/// How an image is made.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// Its name, with no tag.
    pub name: &'static str,
    /// Puts files where they belong.
    pub fill: fn(&mut Rootfs) -> Result<()>,
    /// Lines as in a Dockerfile: `CMD`, `ENTRYPOINT`, `ENV`, `EXPOSE`, `USER`, `WORKDIR`, ….
    pub changes: &'static [&'static str],
}

/// busybox, which is every usual command. (Debian's crashes at `wget -T`.)
pub const BUSYBOX: Image = Image {
    name: "busybox",
    fill: Rootfs::busybox,
    changes: &["CMD [\"/bin/sh\"]"],
};

/// The program that knows what it sent, and busybox for what else a test wants to do inside.
pub const WORKLOAD: Image = Image {
    name: "workload",
    fill: |root| {
        root.busybox()?;
        root.copy_to(&workload::binary()?, "bin/workload")
    },
    changes: &["ENTRYPOINT [\"/bin/workload\"]"],
};

/// Certificates of authorities, as Debian keeps them; calls to AWS need them.
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";

/// The probe and nothing else. `cargo xtask image` builds it as one static file; one that is linked
/// to libraries takes them along.
pub const PROBE: Image = Image {
    name: "probe",
    fill: |root| fill_with_probe(root, &place::probe()),
    changes: &[
        "ENTRYPOINT [\"/bin/probe\"]",
        "CMD [\"run\"]",
        "LABEL org.opencontainers.image.title=probe",
        concat!(
            "LABEL org.opencontainers.image.version=",
            env!("CARGO_PKG_VERSION")
        ),
        "LABEL org.opencontainers.image.description=\"What talks to what, for containers\"",
        concat!(
            "LABEL org.opencontainers.image.licenses=\"",
            env!("CARGO_PKG_LICENSE"),
            "\""
        ),
    ],
};

fn fill_with_probe(root: &Rootfs, probe: &Path) -> Result<()> {
    root.program_at(probe, "bin/probe")?;
    let certificates = Path::new("/").join(CERTIFICATES);
    if certificates.is_file() {
        root.copy_to(&certificates, CERTIFICATES)?;
    }
    Ok(())
}

/// Imports the image of this probe, under `name`, by a `docker` command.
///
/// # Errors
///
/// When a file is missing, or the engine refuses.
pub fn import_probe(probe: &Path, name: &str, docker: Command, stage: &Path) -> Result<()> {
    fill_with_probe(&Rootfs::new(stage)?, probe)?;
    import(stage, PROBE.changes, name, docker)
}

impl Image {
    /// Fills `stage` and imports it by a `docker` command.
    pub(crate) fn import(&self, docker: Command, stage: &Path) -> Result<()> {
        (self.fill)(&mut Rootfs::new(stage)?)?;
        import(stage, self.changes, self.name, docker)
    }
}

/// Imports a directory as an image, and removes it.
fn import(stage: &Path, changes: &[&str], name: &str, mut docker: Command) -> Result<()> {
    let mut tar = shell::command("tar")
        .args(["--numeric-owner", "-C"])
        .arg(stage)
        .args(["-c", "."])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start tar")?;
    let archive = tar.stdout.take().context("tar has no output")?;
    docker.arg("import");
    for change in changes {
        docker.args(["--change", change]);
    }
    docker.args(["-", name]).stdin(archive);
    let imported = shell::output(&mut docker);
    // As long as it holds the other end of the pipe, tar would wait for a reader.
    drop(docker);
    let status = tar.wait().context("cannot reap tar")?;
    imported?;
    if !status.success() {
        bail!("tar of {} failed: {status}", stage.display());
    }
    fs::remove_dir_all(stage).with_context(|| format!("cannot remove {}", stage.display()))
}
