//! `workload serve`.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv6Addr, TcpListener, TcpStream};
use std::os::fd::IntoRawFd as _;
use std::sync::{Arc, Mutex};
use std::thread;

use anyhow::{Context, Result};
use clap::Args;
use probe_tests::tally::Tally;

use super::{Counted, HEADER, mptcp};
use crate::{Shared, lock};

/// Answers requests until it is told to end.
#[derive(Args)]
pub(crate) struct Serve {
    /// Listen on this port
    #[arg(long)]
    port: u16,
    /// At this address alone, not at every one
    #[arg(long)]
    address: Option<IpAddr>,
    /// Listen for MPTCP too
    #[arg(long)]
    mptcp: bool,
    /// Connections served at a time; more wait to be accepted, with 0 all of them
    #[arg(long, default_value_t = 32)]
    concurrency: u16,
    /// Connections that may wait; the kernel has room for one more
    #[arg(long, default_value_t = 128)]
    backlog: u16,
}

impl Serve {
    pub(crate) fn begin(&self) -> Result<Shared> {
        let listener = if self.mptcp {
            mptcp::listen(self.port)
        } else if let Some(address) = self.address {
            TcpListener::bind((address, self.port))
        } else {
            // Takes IPv4 too, unless the system was told otherwise.
            TcpListener::bind((Ipv6Addr::UNSPECIFIED, self.port))
                .or_else(|_| TcpListener::bind(("0.0.0.0", self.port)))
        };
        let listener = listener.with_context(|| format!("cannot listen on port {}", self.port))?;
        rustix::net::listen(&listener, self.backlog.into()).context("cannot set the backlog")?;
        let total = Shared::default();
        for _ in 0..self.concurrency {
            let listener = listener.try_clone().context("cannot share the listener")?;
            let total = Arc::clone(&total);
            thread::spawn(move || accept(&listener, &total));
        }
        writeln!(io::stdout(), "listening {}", self.port).context("cannot write to stdout")?;
        // It listens until the process ends, also when nobody accepts.
        let _ = listener.into_raw_fd();
        Ok(total)
    }
}

fn accept(listener: &TcpListener, total: &Mutex<Tally>) {
    loop {
        let mut tally = Tally::default();
        match listener.accept() {
            Ok((stream, _)) => {
                tally.connections = 1;
                // Kept open until it is counted, so that no client sees the end before.
                let kept = stream.try_clone();
                if let Err(error) = answer(stream, &mut tally) {
                    tally.fail(&error);
                }
                lock(total).add(&tally);
                drop(kept);
            }
            Err(error) => {
                tally.fail(&error);
                lock(total).add(&tally);
            }
        }
    }
}

fn answer(stream: TcpStream, tally: &mut Tally) -> io::Result<()> {
    let mut stream = Counted::new(stream, tally)?;
    let mut header = Vec::with_capacity(HEADER);
    let mut received = 0;
    let mut lengths = None;
    while lengths.is_none_or(|(request, _)| received < request) {
        let count = stream.receive()?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        received += count;
        if lengths.is_none() {
            let missing = (HEADER - header.len()).min(count);
            header.extend_from_slice(&stream.chunk[..missing]);
            lengths = parse(&header);
        }
    }
    stream.send(&[], lengths.map_or(0, |(_, response)| response))
}

/// The lengths of request and response, once the header is complete.
fn parse(header: &[u8]) -> Option<(usize, usize)> {
    let (request, rest) = header.split_first_chunk::<4>()?;
    let response = rest.first_chunk::<4>()?;
    Some((
        u32::from_be_bytes(*request) as usize,
        u32::from_be_bytes(*response) as usize,
    ))
}
