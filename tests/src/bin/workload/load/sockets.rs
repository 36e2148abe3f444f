//! What an open socket costs that says nothing.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::Clock;

/// How often it is looked whether the time is over.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Args)]
pub(crate) struct Sockets {
    /// How many, both ends of a connection counted
    #[arg(long)]
    count: u32,
    /// The last part of the loopback address to listen on: each has ports of its own
    #[arg(long, default_value_t = 1)]
    address: u8,
}

impl Sockets {
    /// Opens them, says so, and keeps them until the time is over.
    pub(super) fn run(&self, clock: &Clock) -> Result<u64> {
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, most, most).context("cannot open more files")?;
        let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 1, self.address), 0))
            .context("cannot listen")?;
        let address = listener.local_addr()?;
        let mut open = Vec::new();
        for _ in 0..self.count / 2 {
            let stream = TcpStream::connect(address)
                .with_context(|| format!("cannot connect, with {} sockets open", 2 * open.len()))?;
            let (accepted, _) = listener.accept().context("cannot accept")?;
            open.push((stream, accepted));
        }
        writeln!(io::stdout(), "open").context("cannot write to stdout")?;
        while clock.runs() {
            thread::sleep(LOOK);
        }
        Ok(2 * open.len() as u64)
    }
}
