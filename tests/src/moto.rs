//! AWS's APIs on this machine: a real moto server, which implements ECS over HTTP.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::{env, fs};

use anyhow::{Context, Result};

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

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    listener.local_addr().context("a socket has no address")
}
