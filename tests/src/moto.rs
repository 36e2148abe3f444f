//! AWS's APIs on this machine: a real moto server, which implements ECS over HTTP.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{env, fs, process};

use anyhow::{Context, Result, bail};

use crate::daemon::Daemon;
use crate::{debian, place, shell};

/// What pip installs.
const PACKAGE: &str = "moto[server,ecs]";
const PROGRAM: &str = "moto_server";

/// One at a time installs it.
static INSTALLING: Mutex<()> = Mutex::new(());

/// A moto server on a free port of loopback, ended when dropped.
#[derive(Debug)]
pub struct Moto {
    /// Dropped first: its log is removed after it.
    daemon: Daemon,
    address: SocketAddr,
    log: PathBuf,
}

impl Moto {
    /// Starts a server without any cluster.
    ///
    /// # Errors
    ///
    /// When moto is neither here nor to be had from PyPI, or the server fails: with the end of its
    /// log.
    pub fn start() -> Result<Self> {
        let program = program()?;
        let address = free_port()?;
        let port = address.port().to_string();
        let log = env::temp_dir().join(format!("moto-{port}.log"));
        let mut command = shell::command(program);
        command.args(["-H", "127.0.0.1", "-p", &port]);
        let answers = || TcpStream::connect(address).is_ok();
        let daemon = Daemon::start(&mut command, &log, answers)?;
        Ok(Self {
            daemon,
            address,
            log,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `AWS_ENDPOINT_URL_ECS` must be for it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // Killed by its own drop when it does not end.
        let _ = self.daemon.stop();
        let _ = fs::remove_file(&self.log);
    }
}

/// The server's program: the machine's, or one of our own, installed if need be.
fn program() -> Result<PathBuf> {
    if let Ok(program) = debian::host_program(PROGRAM) {
        return Ok(program);
    }
    let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let home = place::tools().join("moto");
    let program = home.join("bin").join(PROGRAM);
    if !program.is_file() {
        let directory = home.to_str().context("the target directory is not UTF-8")?;
        shell::run("python3", &["-m", "venv", directory])
            .context("moto needs Python: `apt-get install python3-venv`")?;
        let pip = home.join("bin/pip");
        let mut install = shell::command(pip);
        install.args(["install", "--quiet", PACKAGE]);
        shell::output(&mut install).with_context(|| format!("cannot install {PACKAGE}"))?;
    }
    Ok(program)
}

/// Ports below those that the kernel gives to who connects: one of these would be taken before a server
/// has it, or, asked for until the server is there, answer itself.
const PORTS: Range<u16> = 20_000..30_000;

/// A port that was free a moment ago, and that this process gets once.
pub(crate) fn free_port() -> Result<SocketAddr> {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    for _ in PORTS {
        let number = process::id() * 16 + TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + u16::try_from(number % u32::from(PORTS.end - PORTS.start))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port of {PORTS:?} is free")
}
