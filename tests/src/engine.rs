//! A Docker engine of our own, beside any that runs already.

pub(crate) mod slot;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};

use crate::daemon::Daemon;
use crate::http::Door;
use crate::image::Image;
use crate::{debian, shell};
use slot::Slot;

/// A private engine: its own dockerd and containerd, files, socket and network namespace.
///
/// Dropping it removes its containers, networks, images and every trace of it.
#[derive(Debug)]
pub struct Engine {
    /// Dropped in this order: first the daemons end, then what they left is cleared away.
    daemons: Mutex<Daemons>,
    images: Mutex<HashSet<String>>,
    options: Vec<String>,
    slot: Slot,
}

#[derive(Debug, Default)]
struct Daemons {
    dockerd: Option<Daemon>,
    containerd: Option<Daemon>,
}

/// Removes engines whose owners were killed, with all that they made. Those of others that still
/// run are left alone.
pub fn sweep() -> Result<()> {
    slot::sweep()
}

impl Engine {
    /// Starts an engine and waits until it answers.
    ///
    /// # Errors
    ///
    /// Without root, without Docker's programs, or when a daemon fails: with the end of its log.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// Starts an engine with more options for dockerd, such as `--live-restore`.
    pub fn start_with(options: &[&str]) -> Result<Self> {
        let engine = Self {
            daemons: Mutex::default(),
            images: Mutex::default(),
            options: options.iter().copied().map(str::to_owned).collect(),
            slot: Slot::take()?,
        };
        engine.resume()?;
        Ok(engine)
    }

    /// Starts the daemons again after [`Self::stop`], on the same files and socket.
    pub fn resume(&self) -> Result<()> {
        let mut daemons = self.daemons();
        if daemons.containerd.is_none() {
            daemons.containerd = Some(self.containerd()?);
        }
        if daemons.dockerd.is_none() {
            daemons.dockerd = Some(self.dockerd()?);
        }
        Ok(())
    }

    /// Stops the daemons, and with them the containers unless `--live-restore` was given.
    /// Everything stays on disk. Stopping twice is no error.
    pub fn stop(&self) -> Result<()> {
        let mut daemons = self.daemons();
        // dockerd first: it needs containerd to stop its containers.
        let Daemons {
            dockerd,
            containerd,
        } = std::mem::take(&mut *daemons);
        for mut daemon in [dockerd, containerd].into_iter().flatten() {
            daemon.stop()?;
        }
        Ok(())
    }

    /// Kills the daemons, as a crash would. Everything stays on disk, and containers run on.
    pub fn kill(&self) {
        drop(std::mem::take(&mut *self.daemons()));
    }

    /// Stops and starts. Containers are stopped after it unless they have a restart policy.
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        self.resume()
    }

    /// What `DOCKER_HOST` must be for this engine.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Its API: where much is to be asked for, an answer costs less than a `docker`.
    #[must_use]
    pub fn door(&self) -> Door {
        Door::Unix(self.socket())
    }

    /// Where published ports answer, seen from the host.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.slot.address()
    }

    /// The engine's network namespace, as a file to enter it by.
    #[must_use]
    pub fn netns(&self) -> PathBuf {
        self.slot.netns()
    }

    /// A program of the host inside the engine's network namespace: what on a usual machine runs
    /// beside the engine. Published ports answer it on 127.0.0.1, through docker-proxy.
    #[must_use]
    pub fn beside(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = shell::command("nsenter");
        let net = format!("--net={}", self.netns().display());
        command.arg(net).arg("--").arg(program);
        command
    }

    /// Runs the `docker` command on this engine and gives what it printed, trimmed.
    pub fn docker<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<String> {
        let printed = shell::output(self.docker_command().args(args))?;
        Ok(printed.trim().to_owned())
    }

    /// The `docker` command aimed at this engine, for whoever wants more than its output.
    #[must_use]
    pub fn docker_command(&self) -> Command {
        let mut command = shell::command("docker");
        command
            .env("DOCKER_HOST", self.host())
            // A user's contexts and plugins are none of ours.
            .env("DOCKER_CONFIG", self.slot.dir.join("config"))
            .env_remove("DOCKER_CONTEXT")
            .env_remove("DOCKER_TLS_VERIFY");
        command
    }

    /// Builds an image unless this engine has it already, and gives its name.
    pub fn image(&self, image: &Image) -> Result<String> {
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        if !images.contains(image.name) {
            let stage = self.slot.dir.join("image").join(image.name);
            image
                .import(self.docker_command(), &stage)
                .with_context(|| format!("cannot make the image {}", image.name))?;
            images.insert(image.name.to_owned());
        }
        Ok(image.name.to_owned())
    }

    fn socket(&self) -> PathBuf {
        self.slot.dir.join("docker.sock")
    }

    fn daemons(&self) -> MutexGuard<'_, Daemons> {
        self.daemons.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A containerd of our own: dockerd would use the machine's if there is one.
    fn containerd(&self) -> Result<Daemon> {
        let dir = self.slot.dir.display();
        let config = self.slot.dir.join("containerd.toml");
        let text = format!(
            "version = 2\nroot = \"{dir}/containerd\"\nstate = \"{dir}/exec/containerd\"\n\
             disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
             [grpc]\naddress = \"{dir}/containerd.sock\"\n"
        );
        fs::write(&config, text).context("cannot write containerd's configuration")?;
        let socket = self.slot.dir.join("containerd.sock");
        let _ = fs::remove_file(&socket);
        let mut command = self.beside(debian::host_program("containerd")?);
        command.arg("--config").arg(config);
        Daemon::start(&mut command, &self.slot.dir.join("containerd.log"), || {
            socket.exists()
        })
    }

    fn dockerd(&self) -> Result<Daemon> {
        let dir = &self.slot.dir;
        // The machine's own configuration is for the machine's own engine.
        let config = dir.join("daemon.json");
        fs::write(&config, "{}").context("cannot write dockerd's configuration")?;
        let mut command = self.beside(debian::host_program("dockerd")?);
        command
            .arg("--config-file")
            .arg(config)
            .arg("--data-root")
            .arg(dir.join("data"))
            .arg("--exec-root")
            .arg(dir.join("exec"))
            .arg("--pidfile")
            .arg(dir.join("pid"))
            .arg("--containerd")
            .arg(dir.join("containerd.sock"))
            .args(["--host", &self.host()])
            .args(&self.options);
        Daemon::start(&mut command, &dir.join("dockerd.log"), || {
            self.docker(["version"]).is_ok()
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Containers that end by themselves take their shims, cgroups and mounts along. What does
        // not work here is cleared away with the slot.
        if self.daemons().dockerd.is_some()
            && let Ok(ids) = self.docker(["ps", "--all", "--quiet", "--no-trunc"])
            && !ids.is_empty()
        {
            let _ = self.docker(
                ["rm", "--force", "--volumes"]
                    .into_iter()
                    .chain(ids.lines()),
            );
        }
        let _ = self.stop();
    }
}
