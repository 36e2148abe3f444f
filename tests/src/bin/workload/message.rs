//! `workload answer` and `workload ask`: messages over sockets that are not TCP's.

mod place;

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use probe_tests::tally::Tally;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    RecvFlags, SendFlags, SocketAddrUnix, SocketType, accept, bind, connect, listen, recv,
    recvfrom, send, sendto,
};

use crate::{Shared, lock};
use place::Place;

/// The longest message.
const LONGEST: usize = 64 * 1024;
/// After which an answer will not come any more.
const SILENCE: Duration = Duration::from_secs(10);

/// Answers every message, until it is told to end.
#[derive(Args)]
pub(crate) struct Answer {
    /// Listen here
    #[arg(long)]
    at: Place,
    /// Bytes of an answer; a client without a name, over a unix datagram socket, gets none
    #[arg(long, default_value_t = 300)]
    response: usize,
}

impl Answer {
    pub(crate) fn begin(&self) -> Result<Shared> {
        let tally = Shared::default();
        let socket = self.at.socket()?;
        bind(&socket, &self.at.address).context("cannot bind a socket")?;
        let datagrams = self.at.kind == SocketType::DGRAM;
        if !datagrams {
            listen(&socket, 100).context("cannot listen")?;
        }
        let (response, counted) = (self.response, Arc::clone(&tally));
        thread::spawn(move || {
            let served = if datagrams {
                serve_datagrams(&socket, response, &counted)
            } else {
                serve_connections(&socket, response, &counted)
            };
            if let Err(error) = served {
                lock(&counted).fail(&error);
            }
        });
        writeln!(io::stdout(), "listening").context("cannot write to stdout")?;
        Ok(tally)
    }
}

fn serve_datagrams(socket: &OwnedFd, response: usize, tally: &Mutex<Tally>) -> Result<()> {
    let mut message = vec![0; LONGEST];
    loop {
        let (count, _, from) = recvfrom(socket, &mut message[..], RecvFlags::empty())?;
        received(count, tally);
        if let Some(from) = from {
            let sent = sendto(socket, &message[..response], SendFlags::empty(), &from)?;
            count_sent(sent, tally);
        }
    }
}

fn serve_connections(listener: &OwnedFd, response: usize, tally: &Mutex<Tally>) -> Result<()> {
    loop {
        let connection = accept(listener)?;
        lock(tally).connections += 1;
        while receive(&connection, tally)? > 0 {
            say(&connection, response, tally)?;
        }
    }
}

/// Sends messages and waits for the answer to each.
#[derive(Args)]
pub(crate) struct Ask {
    /// To here
    #[arg(long)]
    to: Place,
    /// Connections; of UDP, sockets
    #[arg(long, default_value_t = 1)]
    connections: u64,
    /// Messages on each
    #[arg(long, default_value_t = 10)]
    messages: u64,
    /// Bytes of a message
    #[arg(long, default_value_t = 100)]
    request: usize,
    /// Bytes of the answer; 0 for none
    #[arg(long, default_value_t = 300)]
    response: usize,
    /// Connect a UDP socket first; others always do
    #[arg(long)]
    connected: bool,
    /// Connect a UDP socket to here, and name the other end with each message all the same
    #[arg(long, conflicts_with = "connected")]
    connected_to: Option<Place>,
    /// Give a unix socket this name
    #[arg(long)]
    name: Option<String>,
}

impl Ask {
    pub(crate) fn run(&self) -> Result<Tally> {
        let tally = Mutex::new(Tally::default());
        for _ in 0..self.connections {
            self.one(&tally).context("a connection failed")?;
            lock(&tally).connections += 1;
        }
        Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn one(&self, tally: &Mutex<Tally>) -> Result<()> {
        let socket = self.to.socket()?;
        set_socket_timeout(&socket, Timeout::Recv, Some(SILENCE))?;
        if let Some(name) = &self.name {
            bind(
                &socket,
                &SocketAddrUnix::new_abstract_name(name.as_bytes())?,
            )?;
        }
        let named = self.to.is_udp() && !self.connected;
        if !named {
            connect(&socket, &self.to.address)?;
        } else if let Some(place) = &self.connected_to {
            connect(&socket, &place.address)?;
        }
        for _ in 0..self.messages {
            if named {
                let (message, flags) = (vec![b'.'; self.request], SendFlags::empty());
                let sent = sendto(&socket, &message, flags, &self.to.address)?;
                count_sent(sent, tally);
            } else {
                say(&socket, self.request, tally)?;
            }
            let mut heard = 0;
            while heard < self.response {
                let count = if named {
                    let mut message = vec![0; LONGEST];
                    let (count, ..) = recvfrom(&socket, &mut message[..], RecvFlags::empty())?;
                    received(count, tally);
                    count
                } else {
                    receive(&socket, tally)?
                };
                ensure!(count > 0, "the other end went away");
                heard += count;
            }
        }
        Ok(())
    }
}

fn say(socket: &OwnedFd, bytes: usize, tally: &Mutex<Tally>) -> Result<()> {
    let mut rest = bytes;
    while rest > 0 {
        let sent = send(socket, &vec![b'.'; rest], SendFlags::NOSIGNAL)?;
        count_sent(sent, tally);
        rest -= sent;
    }
    Ok(())
}

/// 0 at the end of the stream.
fn receive(socket: &OwnedFd, tally: &Mutex<Tally>) -> Result<usize> {
    let (count, _) = recv(socket, &mut vec![0; LONGEST][..], RecvFlags::empty())?;
    received(count, tally);
    Ok(count)
}

fn received(count: usize, tally: &Mutex<Tally>) {
    if count > 0 {
        let mut tally = lock(tally);
        tally.receives += 1;
        tally.bytes_received += count as u64;
    }
}

fn count_sent(count: usize, tally: &Mutex<Tally>) {
    let mut tally = lock(tally);
    tally.sends += 1;
    tally.bytes_sent += count as u64;
}
