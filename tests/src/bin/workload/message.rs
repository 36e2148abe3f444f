//! `workload answer` and `workload ask`: messages over sockets that are not TCP's.
//!
//! A place is `udp:PORT` or `udp:ADDRESS:PORT`, or `stream:NAME`, `seqpacket:NAME` or `dgram:NAME` for an
//! abstract unix socket, which whoever shares the network namespace can reach.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};
use clap::Args;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, SockaddrIn, UnixAddr, accept, bind,
    connect, listen, recv, recvfrom, send, sendto, setsockopt, socket, sockopt::ReceiveTimeout,
};
use nix::sys::time::TimeVal;
use probe_tests::tally::Tally;

/// The longest message.
const LONGEST: usize = 64 * 1024;
/// Seconds after which an answer will not come any more.
const SILENCE: i64 = 10;

/// Where messages go.
#[derive(Clone, Debug)]
enum Place {
    Udp(SocketAddrV4),
    Unix(SockType, String),
}

impl FromStr for Place {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, name) = text.split_once(':').context("a place is KIND:NAME")?;
        let kind = match kind {
            "stream" => SockType::Stream,
            "seqpacket" => SockType::SeqPacket,
            "dgram" => SockType::Datagram,
            "udp" => {
                let everywhere = |port| SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
                let at = name.parse::<SocketAddrV4>();
                return Ok(Self::Udp(at.or_else(|_| name.parse().map(everywhere))?));
            }
            kind => bail!("no such kind of socket: {kind}"),
        };
        Ok(Self::Unix(kind, name.to_owned()))
    }
}

impl Place {
    fn socket(&self) -> Result<OwnedFd> {
        let (family, kind) = match self {
            Self::Udp(_) => (AddressFamily::Inet, SockType::Datagram),
            Self::Unix(kind, _) => (AddressFamily::Unix, *kind),
        };
        socket(family, kind, SockFlag::SOCK_CLOEXEC, None).context("cannot make a socket")
    }
}

/// Answers every message, until it is told to end.
#[derive(Args)]
pub(crate) struct Answer {
    /// Listen here
    #[arg(long)]
    at: Place,
    /// Bytes of an answer; none over a unix datagram socket, whose clients have no name
    #[arg(long, default_value_t = 300)]
    response: usize,
}

impl Answer {
    pub(crate) fn run(&self) -> Result<Tally> {
        let ends = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
        ends.thread_block().context("cannot block signals")?;
        let tally = Arc::new(Mutex::new(Tally::default()));
        let socket = self.at.socket()?;
        match &self.at {
            Place::Udp(at) => bind(socket.as_raw_fd(), &SockaddrIn::from(*at))?,
            Place::Unix(kind, name) => {
                bind(
                    socket.as_raw_fd(),
                    &UnixAddr::new_abstract(name.as_bytes())?,
                )?;
                if *kind != SockType::Datagram {
                    listen(&socket, Backlog::new(100)?)?;
                }
            }
        }
        let (place, response, counted) = (self.at.clone(), self.response, Arc::clone(&tally));
        thread::spawn(move || {
            let served = match place {
                Place::Udp(_) => serve_udp(&socket, response, &counted),
                Place::Unix(SockType::Datagram, _) => loop {
                    if let Err(error) = receive(&socket, &counted) {
                        break Err(error);
                    }
                },
                Place::Unix(..) => serve_unix(&socket, response, &counted),
            };
            if let Err(error) = served {
                lock(&counted).fail(&error);
            }
        });
        writeln!(io::stdout(), "listening").context("cannot write to stdout")?;
        ends.wait().context("cannot wait for a signal")?;
        let counted = lock(&tally).clone();
        Ok(counted)
    }
}

fn lock(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve_udp(socket: &OwnedFd, response: usize, tally: &Mutex<Tally>) -> Result<()> {
    let mut message = vec![0; LONGEST];
    loop {
        let (count, from) = recvfrom::<SockaddrIn>(socket.as_raw_fd(), &mut message)?;
        received(count, tally);
        let from = from.context("a datagram of nobody")?;
        let sent = sendto(
            socket.as_raw_fd(),
            &message[..response],
            &from,
            MsgFlags::empty(),
        )?;
        count_sent(sent, tally);
    }
}

fn serve_unix(listener: &OwnedFd, response: usize, tally: &Mutex<Tally>) -> Result<()> {
    use std::os::fd::FromRawFd as _;
    loop {
        // SAFETY: a descriptor fresh from the kernel, nobody else's.
        let connection = unsafe { OwnedFd::from_raw_fd(accept(listener.as_raw_fd())?) };
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
    /// Connect a UDP socket first; unix sockets always do
    #[arg(long)]
    connected: bool,
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
        setsockopt(&socket, ReceiveTimeout, &TimeVal::new(SILENCE, 0))?;
        let unconnected = match &self.to {
            Place::Udp(to) if !self.connected => Some(SockaddrIn::from(*to)),
            Place::Udp(to) => {
                connect(socket.as_raw_fd(), &SockaddrIn::from(*to))?;
                None
            }
            Place::Unix(_, name) => {
                connect(
                    socket.as_raw_fd(),
                    &UnixAddr::new_abstract(name.as_bytes())?,
                )?;
                None
            }
        };
        for _ in 0..self.messages {
            match &unconnected {
                None => say(&socket, self.request, tally)?,
                Some(to) => {
                    let message = vec![b'.'; self.request];
                    let sent = sendto(socket.as_raw_fd(), &message, to, MsgFlags::empty())?;
                    count_sent(sent, tally);
                }
            }
            let mut heard = 0;
            while heard < self.response {
                heard += if unconnected.is_some() {
                    let mut message = vec![0; LONGEST];
                    let (count, _) = recvfrom::<SockaddrIn>(socket.as_raw_fd(), &mut message)?;
                    received(count, tally);
                    count
                } else {
                    receive(&socket, tally)?
                };
            }
        }
        Ok(())
    }
}

fn say(socket: &OwnedFd, bytes: usize, tally: &Mutex<Tally>) -> Result<()> {
    let mut rest = bytes;
    while rest > 0 {
        let sent = send(
            socket.as_raw_fd(),
            &vec![b'.'; rest],
            MsgFlags::MSG_NOSIGNAL,
        )?;
        count_sent(sent, tally);
        rest -= sent;
    }
    Ok(())
}

/// 0 at the end of the stream.
fn receive(socket: &OwnedFd, tally: &Mutex<Tally>) -> Result<usize> {
    let count = recv(socket.as_raw_fd(), &mut vec![0; LONGEST], MsgFlags::empty())?;
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
