//! What a connection costs from its making to its end.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result, anyhow};
use clap::Args;

use super::{Clock, answer, pace::Pace};

/// Bytes each way.
const MESSAGE: usize = 64;
/// Loopback addresses in turns: a port is free again only a second after its connection's end, and
/// each address has ports of its own.
const ADDRESSES: u8 = 8;

#[derive(Args)]
pub(crate) struct Connections {
    /// Clients at a time, each with a server of its own
    #[arg(long, default_value_t = 1)]
    clients: u16,
    /// Connections a second, of all clients; as many as it gets by default
    #[arg(long)]
    rate: Option<u32>,
}

impl Connections {
    pub(super) fn run(&self, clock: &Clock) -> Result<u64> {
        thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients)
                .map(|_| scope.spawn(|| client(clock, Pace::new(self.rate, self.clients))))
                .collect();
            clients.into_iter().try_fold(0, |units, client| {
                let done = client.join().map_err(|_| anyhow!("a client panicked"))?;
                Ok(units + done?)
            })
        })
    }
}

fn client(clock: &Clock, mut pace: Pace) -> Result<u64> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).context("cannot listen")?;
    let port = listener.local_addr()?.port();
    // Ends with the process, or when its listener fails.
    thread::spawn(move || -> io::Result<()> {
        loop {
            let (stream, _) = listener.accept()?;
            // A client that failed says so itself.
            let _ = answer(stream, MESSAGE, MESSAGE);
        }
    });
    let mut address = (0..ADDRESSES).cycle();
    clock.count(|| {
        pace.wait();
        let last = address.next().unwrap_or_default() + 1;
        connect(SocketAddr::from(([127, 0, 0, last], port)))
    })
}

fn connect(to: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(to)?;
    let mut bytes = [b'.'; MESSAGE];
    stream.set_nodelay(true)?;
    stream.write_all(&bytes)?;
    stream.read_exact(&mut bytes)
}
