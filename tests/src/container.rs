//! Containers of an engine.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::engine::Engine;
use crate::image::{self, Image};
use crate::network::Network;
use crate::tally::Tally;
use crate::{shell, wait};

/// A server that listens later than this never will.
const LISTENS: Duration = Duration::from_secs(20);

/// How a container is started; [`Start::run`] starts it.
#[derive(Debug)]
pub struct Start<'engine> {
    engine: &'engine Engine,
    image: String,
    name: String,
    options: Vec<String>,
    command: Vec<String>,
}

/// A container, removed when dropped, running or not.
#[derive(Debug)]
pub struct Container<'engine> {
    engine: &'engine Engine,
    id: String,
    name: String,
}

impl<'engine> Start<'engine> {
    /// Puts it on a network.
    #[must_use]
    pub fn on(self, network: &Network<'_>) -> Self {
        self.option("--network").option(network.name())
    }

    /// Publishes a port of it on a port of the engine's machine, which the engine chooses.
    #[must_use]
    pub fn publish(self, port: u16) -> Self {
        self.option("--publish").option(&port.to_string())
    }

    /// Gives it a label.
    #[must_use]
    pub fn label(self, name: &str, value: &str) -> Self {
        self.option("--label").option(&format!("{name}={value}"))
    }

    /// Any other word for `docker run` before the image.
    #[must_use]
    pub fn option(mut self, word: &str) -> Self {
        self.options.push(word.to_owned());
        self
    }

    /// The words after the image: the command, or the entry point's arguments.
    #[must_use]
    pub fn command<W: AsRef<str>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        let words = words.into_iter().map(|word| word.as_ref().to_owned());
        self.command.extend(words);
        self
    }

    /// Starts it in the background.
    pub fn run(self) -> Result<Container<'engine>> {
        let mut words = vec!["run", "--detach", "--name", &self.name];
        words.extend(self.options.iter().map(String::as_str));
        words.push(&self.image);
        words.extend(self.command.iter().map(String::as_str));
        let id = self.engine.docker(words);
        let mut container = Container {
            engine: self.engine,
            // A container that could not be started may have been made: its name removes it too.
            id: self.name.clone(),
            name: self.name,
        };
        container.id = id?;
        Ok(container)
    }
}

impl<'engine> Container<'engine> {
    /// A container to be started from an image, which is built if the engine lacks it.
    pub fn of(engine: &'engine Engine, image: &Image, name: &str) -> Result<Start<'engine>> {
        Ok(Start {
            engine,
            image: engine.image(image)?,
            name: name.to_owned(),
            options: Vec::new(),
            command: Vec::new(),
        })
    }

    /// A server of the workload that listens on `port` by now, and its address on `network`.
    ///
    /// # Errors
    ///
    /// When it does not start, or does not listen in time: with what it printed.
    pub fn serving(
        engine: &'engine Engine,
        network: &Network<'_>,
        name: &str,
        port: u16,
    ) -> Result<(Self, String)> {
        let server = Self::of(engine, &image::WORKLOAD, name)?
            .on(network)
            .command(["serve", "--port", &port.to_string()])
            .run()?;
        server.wait_for_line("listening", LISTENS)?;
        let address = format!("{}:{port}", server.ip(network)?);
        Ok((server, address))
    }

    /// A client of the workload that makes so many connections to `address`, each for 108 bytes
    /// there and 1,000 back.
    pub fn connecting(
        engine: &'engine Engine,
        network: &Network<'_>,
        name: &str,
        address: &str,
        connections: u64,
    ) -> Result<Self> {
        Self::of(engine, &image::WORKLOAD, name)?
            .on(network)
            .command(["connect", "--request", "108", "--response", "1000"])
            .command(["--connections", &connections.to_string(), "--to", address])
            .run()
    }

    /// A busybox shell on `network` that runs `script`.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn shell(
        engine: &'engine Engine,
        network: &Network<'_>,
        name: &str,
        script: &str,
    ) -> Result<Self> {
        Self::of(engine, &image::BUSYBOX, name)?
            .on(network)
            .command(["sh", "-c", script])
            .run()
    }

    /// Its full id, 64 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name, with no slash before it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address on a network.
    pub fn ip(&self, network: &Network<'_>) -> Result<Ipv4Addr> {
        let name = network.name();
        let format = format!("{{{{(index .NetworkSettings.Networks \"{name}\").IPAddress}}}}");
        let printed = self.inspect(&format)?;
        printed
            .parse()
            .with_context(|| format!("{} has no address on {name}: {printed:?}", self.name))
    }

    /// Its IPv6 address on a network that has those.
    pub fn ip6(&self, network: &Network<'_>) -> Result<Ipv6Addr> {
        let name = network.name();
        let format =
            format!("{{{{(index .NetworkSettings.Networks \"{name}\").GlobalIPv6Address}}}}");
        let printed = self.inspect(&format)?;
        printed
            .parse()
            .with_context(|| format!("{} has no IPv6 address on {name}: {printed:?}", self.name))
    }

    /// The port of the engine's machine that leads to a published port of this container.
    pub fn published(&self, port: u16) -> Result<u16> {
        let printed = self
            .engine
            .docker(["port", &self.id, &format!("{port}/tcp")])?;
        let host = printed
            .lines()
            .next()
            .and_then(|line| line.rsplit(':').next());
        host.and_then(|host| host.parse().ok())
            .with_context(|| format!("{} does not publish {port}: {printed:?}", self.name))
    }

    /// A field of what `docker inspect` knows, as a Go template names it.
    pub fn inspect(&self, format: &str) -> Result<String> {
        self.engine
            .docker(["inspect", "--format", format, &self.id])
    }

    /// The id of its cgroup: the inode of its directory in the hierarchy of version 2.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn cgroup(&self) -> Result<u64> {
        let directory = self.cgroup_directory()?;
        let found = fs::metadata(&directory);
        let found = found.with_context(|| format!("cannot look at {}", directory.display()))?;
        Ok(found.ino())
    }

    /// The directory of its cgroup in the hierarchy of version 2.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn cgroup_directory(&self) -> Result<PathBuf> {
        let pid = self.inspect("{{.State.Pid}}")?;
        let file = format!("/proc/{pid}/cgroup");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
        let path = text.lines().find_map(|line| line.strip_prefix("0::/"));
        let path = path.with_context(|| format!("no cgroup of version 2: {text}"))?;
        // Beside version 1 it has a place of its own.
        let mounts = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(Path::new);
        let mut mounts = mounts.iter().filter(|mount| mount.exists());
        let mount = mounts.next().context("no cgroups are mounted")?;
        Ok(mount.join(path))
    }

    /// Runs a command inside and gives what it printed.
    pub fn exec<A: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = A>) -> Result<String> {
        let mut command = self.engine.docker_command();
        command.args(["exec", &self.id]).args(words);
        Ok(shell::output(&mut command)?.trim().to_owned())
    }

    /// What it has printed so far, both streams.
    pub fn logs(&self) -> Result<String> {
        let mut command = self.engine.docker_command();
        let output = command.args(["logs", &self.id]).output();
        let output = output.context("cannot start docker")?;
        let (stdout, stderr) = (&output.stdout, &output.stderr);
        Ok([stdout, stderr]
            .map(|text| String::from_utf8_lossy(text))
            .concat())
    }

    /// Waits until a line that it prints begins with `start`; fails at once when it has ended.
    pub fn wait_for_line(&self, start: &str, deadline: Duration) -> Result<()> {
        let found = wait::until(&format!("a line {start:?}"), deadline, || {
            // Asked first: what it printed before it ended must still be seen.
            let running = self.running()?;
            if self.logs()?.lines().any(|line| line.starts_with(start)) {
                return Ok(Some(()));
            }
            if !running {
                bail!("it has ended");
            }
            Ok(None)
        });
        found.with_context(|| {
            format!(
                "{} printed:\n{}",
                self.name,
                self.logs().unwrap_or_default()
            )
        })
    }

    /// Whether it runs.
    pub fn running(&self) -> Result<bool> {
        Ok(self.inspect("{{.State.Running}}")? == "true")
    }

    /// Waits until it ends by itself, and gives its exit code.
    pub fn wait(&self) -> Result<i32> {
        let printed = self.engine.docker(["wait", &self.id])?;
        printed
            .parse()
            .with_context(|| format!("not an exit code: {printed:?}"))
    }

    /// Waits until the workload in it ends by itself, and gives what it did.
    pub fn tally(&self) -> Result<Tally> {
        let last = self.tallies()?.pop();
        last.with_context(|| format!("{} printed no tally", self.name))
    }

    /// The same of one that was given several command lines.
    pub fn tallies(&self) -> Result<Vec<Tally>> {
        let code = self.wait()?;
        let logs = self.logs()?;
        if code != 0 {
            bail!("{} ended with {code}:\n{logs}", self.name);
        }
        Ok(Tally::all(&logs))
    }

    /// Starts it again.
    pub fn start(&self) -> Result<()> {
        self.engine.docker(["start", &self.id]).map(drop)
    }

    /// Stops it, by SIGTERM at first.
    pub fn stop(&self) -> Result<()> {
        self.engine.docker(["stop", &self.id]).map(drop)
    }

    /// Kills and removes it.
    pub fn remove(self) -> Result<()> {
        self.engine
            .docker(["rm", "--force", "--volumes", &self.id])
            .map(drop)
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        // The engine takes with it what cannot be removed now.
        let _ = self.engine.docker(["rm", "--force", "--volumes", &self.id]);
    }
}
