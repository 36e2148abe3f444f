//! `workload connect`.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use probe_tests::tally::{Tally, Target};

use super::calls::{Receiving, Sending};
use super::sizes::Sizes;
use super::{Counted, HEADER, SILENCE, mptcp};

/// Sends requests to one target or several, to each as many.
#[derive(Args)]
pub(crate) struct Connect {
    /// A target's address and port; give it several times for several targets
    #[arg(long, required = true)]
    to: Vec<SocketAddr>,
    /// Connections to each target
    #[arg(long, default_value_t = 1)]
    connections: u64,
    /// Bytes of a request: so many, or as LEAST-MOST at random
    #[arg(long, default_value = "100", value_parser = Sizes::of_request)]
    request: Sizes,
    /// Bytes of a response, likewise
    #[arg(long, default_value = "1000")]
    response: Sizes,
    /// By which call requests are sent
    #[arg(long, value_enum, default_value_t)]
    send: Sending,
    /// By which call responses are received
    #[arg(long, value_enum, default_value_t)]
    receive: Receiving,
    /// Connect by MPTCP
    #[arg(long)]
    mptcp: bool,
    /// Connections at a time, to each target
    #[arg(long, default_value_t = 1)]
    concurrency: u16,
    /// Milliseconds to wait after each connection
    #[arg(long, default_value_t = 0)]
    pause: u64,
    /// Seconds after which no connection is begun
    #[arg(long, default_value_t = 60)]
    deadline: u64,
}

impl Connect {
    pub(crate) fn run(&self) -> Result<Tally> {
        let deadline = Instant::now() + Duration::from_secs(self.deadline);
        let left: Vec<_> = self
            .to
            .iter()
            .map(|_| AtomicU64::new(self.connections))
            .collect();
        let mut total = Tally::default();
        thread::scope(|scope| {
            // All start before any is awaited.
            let targets: Vec<_> = self
                .to
                .iter()
                .zip(&left)
                .map(|(&to, left)| {
                    let clients: Vec<_> = (0..self.concurrency)
                        .map(|_| scope.spawn(move || self.client(to, left, deadline)))
                        .collect();
                    (to, clients)
                })
                .collect();
            for (to, clients) in targets {
                let mut tally = Tally::default();
                for client in clients {
                    let done = client.join().map_err(|_| anyhow!("a client panicked"))?;
                    tally.add(&done);
                }
                total.add(&tally);
                total.targets.push(Target {
                    to: to.to_string(),
                    tally,
                });
            }
            anyhow::Ok(())
        })
        .context("cannot connect")?;
        Ok(total)
    }

    /// One connection after another, as long as there are any left to be made.
    fn client(&self, to: SocketAddr, left: &AtomicU64, deadline: Instant) -> Tally {
        let mut tally = Tally::default();
        let one_less = |left: u64| left.checked_sub(1);
        while left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .is_ok()
        {
            if Instant::now() >= deadline {
                tally.fail(&"not begun before the deadline");
                continue;
            }
            if let Err(error) = self.exchange(to, &mut tally) {
                tally.fail(&error);
            }
            if self.pause > 0 {
                thread::sleep(Duration::from_millis(self.pause));
            }
        }
        tally
    }

    fn exchange(&self, to: SocketAddr, tally: &mut Tally) -> io::Result<()> {
        let stream = if self.mptcp {
            mptcp::connect(to)?
        } else {
            TcpStream::connect_timeout(&to, SILENCE)?
        };
        tally.connections += 1;
        let mut stream = Counted::new(stream, tally)?;
        (stream.sending, stream.receiving) = (self.send, self.receive);
        let mut header = [0; HEADER];
        let (request, response) = (self.request.one(), self.response.one());
        header[..4].copy_from_slice(&request.to_be_bytes());
        header[4..].copy_from_slice(&response.to_be_bytes());
        stream.send(&header, request as usize)?;
        let mut received = 0;
        loop {
            match stream.receive()? {
                0 if received == response as usize => return Ok(()),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => received += count,
            }
        }
    }
}
