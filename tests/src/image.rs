//! Images, made of programs of this machine: nothing is pulled.

mod rootfs;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::engine::Engine;
use crate::{shell, workload};

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

impl Image {
    /// Fills `stage` and imports it into the engine.
    pub(crate) fn import(&self, engine: &Engine, stage: &Path) -> Result<()> {
        (self.fill)(&mut Rootfs::new(stage)?)?;
        let mut tar = shell::command("tar")
            .args(["--numeric-owner", "-C"])
            .arg(stage)
            .args(["-c", "."])
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start tar")?;
        let archive = tar.stdout.take().context("tar has no output")?;
        let mut import = engine.docker_command();
        import.arg("import");
        for change in self.changes {
            import.args(["--change", change]);
        }
        import.args(["-", self.name]).stdin(archive);
        let imported = shell::output(&mut import);
        let status = tar.wait().context("cannot reap tar")?;
        imported?;
        if !status.success() {
            bail!("tar of {} failed: {status}", stage.display());
        }
        fs::remove_dir_all(stage).with_context(|| format!("cannot remove {}", stage.display()))
    }
}
