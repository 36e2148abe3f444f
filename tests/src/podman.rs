//! A Podman of our own behind Docker's API, beside any that is in use.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::daemon::Daemon;
use crate::engine::slot::Slot;
use crate::image::Image;
use crate::{debian, shell};

/// Podman's own defaults are more than a root without `CAP_SYS_RESOURCE` may give.
const LIMITS: [&str; 4] = [
    "--ulimit",
    "nofile=1024:1024",
    "--ulimit",
    "nproc=1024:1024",
];

/// Podman's service, its files and a network namespace. Dropping it removes its containers and every
/// trace of it.
#[derive(Debug)]
pub struct Podman {
    /// Ends before what it has is cleared away.
    service: Option<Daemon>,
    slot: Slot,
}

impl Podman {
    /// Starts the service and waits until it answers.
    ///
    /// # Errors
    ///
    /// Without root, without Podman, or when the service fails: with the end of its log.
    pub fn start() -> Result<Self> {
        let mut podman = Self {
            service: None,
            slot: Slot::take()?,
        };
        let mut command = podman.command()?;
        command.args(["system", "service", "--time", "0", &podman.host()]);
        let log = podman.slot.dir.join("podman.log");
        let answers = || podman.docker(["version"]).is_ok();
        podman.service = Some(Daemon::start(&mut command, &log, answers)?);
        Ok(podman)
    }

    /// Where it speaks Docker's API.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.slot.dir.join("podman.sock").display())
    }

    /// Runs `podman` and gives what it printed, trimmed.
    pub fn podman<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<String> {
        let printed = shell::output(self.command()?.args(args))?;
        Ok(printed.trim().to_owned())
    }

    /// Runs `docker` on it and gives what it printed, trimmed.
    pub fn docker<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<String> {
        let mut command = shell::command("docker");
        command
            .env("DOCKER_HOST", self.host())
            .env("DOCKER_CONFIG", self.slot.dir.join("config"))
            .env_remove("DOCKER_CONTEXT")
            .env_remove("DOCKER_TLS_VERIFY");
        let printed = shell::output(command.args(args))?;
        Ok(printed.trim().to_owned())
    }

    /// The words after `run`, for either of them: limits that can be given, then `words`.
    #[must_use]
    pub fn run<'a>(words: &[&'a str]) -> Vec<&'a str> {
        let start = ["run"].into_iter().chain(LIMITS);
        start.chain(words.iter().copied()).collect()
    }

    /// Makes an image, and gives its name.
    pub fn image(&self, image: &Image) -> Result<String> {
        let stage = self.slot.dir.join("image").join(image.name);
        image
            .import(self.command()?, &stage)
            .with_context(|| format!("cannot make the image {}", image.name))?;
        Ok(image.name.to_owned())
    }

    fn command(&self) -> Result<Command> {
        let dir = |name: &str| -> PathBuf { self.slot.dir.join(name) };
        let mut command = shell::command("nsenter");
        command
            .arg(format!("--net={}", self.slot.netns().display()))
            .arg("--")
            .arg(debian::host_program("podman")?)
            .arg("--root")
            .arg(dir("root"))
            .arg("--runroot")
            .arg(dir("run"))
            .arg("--tmpdir")
            .arg(dir("tmp"))
            // Neither systemd nor its journal need be there.
            .args(["--cgroup-manager", "cgroupfs", "--events-backend", "file"]);
        Ok(command)
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.podman(["rm", "--all", "--force", "--time", "0"]);
        if let Some(mut service) = self.service.take() {
            let _ = service.stop();
        }
    }
}
