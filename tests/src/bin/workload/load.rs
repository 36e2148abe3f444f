//! `workload load`: one kind of work, as fast as it goes, for a time. What is measured is how much of
//! it there was.

mod connections;
mod datagrams;
mod execs;
mod pace;
mod ping_pong;
mod sockets;
mod transfers;
mod writes;

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use probe_tests::load::Done;

/// One kind of work, on loopback.
#[derive(Args)]
pub(crate) struct Load {
    #[command(subcommand)]
    kind: Kind,
    /// How long
    #[arg(long, global = true, default_value_t = 3)]
    seconds: u64,
}

#[derive(Subcommand)]
enum Kind {
    /// 64 bytes there and back over one TCP connection
    PingPong,
    /// A TCP connection made, 64 bytes there and back, and closed by both
    Connections(connections::Connections),
    /// 1 MiB over one TCP connection, and one byte back
    Transfers,
    /// A datagram of 64 bytes there and back over UDP
    Datagrams,
    /// A program run and awaited
    Execs(execs::Execs),
    /// One byte written to /dev/null
    Writes,
    /// TCP sockets that are open and say nothing
    Sockets(sockets::Sockets),
}

impl Load {
    pub(crate) fn run(&self) -> Result<Done> {
        let clock = Clock::start(Duration::from_secs(self.seconds));
        let units = match &self.kind {
            Kind::PingPong => ping_pong::run(&clock),
            Kind::Connections(connections) => connections.run(&clock),
            Kind::Transfers => transfers::run(&clock),
            Kind::Datagrams => datagrams::run(&clock),
            Kind::Execs(execs) => execs.run(&clock),
            Kind::Writes => writes::run(&clock),
            Kind::Sockets(sockets) => sockets.run(&clock),
        };
        Ok(Done::new(units?, clock.start.elapsed()))
    }
}

/// When to stop.
struct Clock {
    start: Instant,
    time: Duration,
}

impl Clock {
    fn start(time: Duration) -> Self {
        Self {
            start: Instant::now(),
            time,
        }
    }

    fn runs(&self) -> bool {
        self.start.elapsed() < self.time
    }

    /// Does it until the time is over, and counts how often.
    fn count(&self, mut work: impl FnMut() -> io::Result<()>) -> Result<u64> {
        let mut units = 0;
        while self.runs() {
            work().with_context(|| format!("failed after {units}"))?;
            units += 1;
        }
        Ok(units)
    }
}

/// A listener on a free port of loopback.
fn listener() -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen")?;
    let address = listener.local_addr().context("a listener has no address")?;
    Ok((listener, address))
}

/// Reads as much as fits, and gives back so much of it.
fn answer(mut stream: TcpStream, request: usize, response: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = vec![0; request];
    loop {
        match stream.read_exact(&mut bytes) {
            Ok(()) => stream.write_all(&bytes[..response])?,
            // The other end is done.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Sends so much over one connection and awaits so much, again and again.
fn exchange(clock: &Clock, request: usize, response: usize) -> Result<u64> {
    let (listener, address) = listener()?;
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept()?;
        answer(stream, request, response)
    });
    let mut stream = TcpStream::connect(address).context("cannot connect")?;
    stream.set_nodelay(true)?;
    let (sent, mut received) = (vec![b'.'; request], vec![0; response]);
    let units = clock.count(|| {
        stream.write_all(&sent)?;
        stream.read_exact(&mut received)
    })?;
    drop(stream);
    let ended = server
        .join()
        .map_err(|_| anyhow::anyhow!("the server panicked"))?;
    ended.context("the server failed")?;
    Ok(units)
}
