//! `workload echo` and `workload talk`: connections that stay.

use std::io::{self, Write as _};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result, bail};
use clap::Args;
use nix::sys::signal::{SigSet, Signal};
use probe_tests::tally::Tally;

use super::{Counted, SILENCE};
use crate::Shared;

/// Gives back what it is sent, until it is told to end.
#[derive(Args)]
pub(crate) struct Echo {
    /// Listen on this port, on every address
    #[arg(long)]
    port: u16,
}

impl Echo {
    pub(crate) fn begin(&self) -> Result<Shared> {
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, self.port))
            .with_context(|| format!("cannot listen on port {}", self.port))?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || io::copy(&mut &stream, &mut &stream));
            }
        });
        writeln!(io::stdout(), "listening {}", self.port).context("cannot write to stdout")?;
        Ok(Shared::default())
    }
}

/// Opens connections to an echo and keeps them; each SIGUSR1 is a round of messages on all of them.
#[derive(Args)]
pub(crate) struct Talk {
    /// The echo's address and port
    #[arg(long)]
    to: SocketAddr,
    /// Connections to keep
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// Bytes of a message
    #[arg(long, default_value_t = 100)]
    message: usize,
}

impl Talk {
    pub(crate) fn run(&self) -> Result<Tally> {
        let ends = [Signal::SIGTERM, Signal::SIGINT];
        let signals: SigSet = ends.into_iter().chain([Signal::SIGUSR1]).collect();
        signals.thread_block().context("cannot block signals")?;
        let streams: Vec<TcpStream> = (0..self.connections)
            .map(|_| TcpStream::connect_timeout(&self.to, SILENCE))
            .collect::<io::Result<_>>()
            .context("cannot connect")?;
        let mut total = Tally {
            connections: self.connections as u64,
            ..Tally::default()
        };
        // The first round is before anybody watches, so that the sequence numbers have moved.
        let mut rounds = 0;
        loop {
            for stream in &streams {
                let stream = stream.try_clone().context("cannot share a connection")?;
                self.round(stream, &mut total).context("a round failed")?;
            }
            rounds += 1;
            writeln!(io::stdout(), "round {rounds}").context("cannot write to stdout")?;
            let signal = signals.wait().context("cannot wait for a signal")?;
            if ends.contains(&signal) {
                return Ok(total);
            }
        }
    }

    fn round(&self, stream: TcpStream, tally: &mut Tally) -> Result<()> {
        let mut stream = Counted::new(stream, tally)?;
        stream.send(&[], self.message)?;
        let mut received = 0;
        while received < self.message {
            match stream.receive()? {
                0 => bail!("the echo went away"),
                count => received += count,
            }
        }
        Ok(())
    }
}
