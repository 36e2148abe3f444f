//! One request and one response a connection.
//!
//! A request begins with its own length and the length of the response it wants, so that a server
//! serves requests of any size; the rest is filler. The server answers, then closes; the client
//! reads to the end, then closes.

pub(crate) mod calls;
pub(crate) mod connect;
pub(crate) mod echo;
mod mptcp;
pub(crate) mod serve;
mod sizes;

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use calls::{Receiving, Sending};
use probe_tests::tally::Tally;

/// Two lengths of four bytes, big-endian.
const HEADER: usize = 8;
/// What a request and a response are filled with.
const FILLER: u8 = b'.';
/// The most that one call sends or receives.
const CHUNK: usize = 64 * 1024;
/// An end that says nothing for this long has failed.
const SILENCE: Duration = Duration::from_secs(10);

/// A connection that counts what its calls move.
struct Counted<'a> {
    stream: TcpStream,
    tally: &'a mut Tally,
    sending: Sending,
    receiving: Receiving,
    chunk: Vec<u8>,
}

impl<'a> Counted<'a> {
    fn new(stream: TcpStream, tally: &'a mut Tally) -> io::Result<Self> {
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            tally,
            sending: Sending::default(),
            receiving: Receiving::default(),
            chunk: vec![FILLER; CHUNK],
        })
    }

    /// Sends so many bytes, the first of them `start`.
    fn send(&mut self, start: &[u8], total: usize) -> io::Result<()> {
        self.chunk.fill(FILLER);
        self.chunk[..start.len()].copy_from_slice(start);
        let mut sent = 0;
        while sent < total {
            // Only the first chunk has the start; a call that took a part of it goes on behind.
            let from = if sent < start.len() {
                sent
            } else {
                start.len()
            };
            let end = self.chunk.len().min(from + (total - sent));
            let moved = self.sending.send(&self.stream, &self.chunk[from..end])?;
            if moved.bytes == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            sent += moved.bytes;
            self.tally.sends += moved.calls;
            self.tally.bytes_sent += moved.bytes as u64;
        }
        Ok(())
    }

    /// Receives once: 0 at the end of the stream.
    fn receive(&mut self) -> io::Result<usize> {
        let moved = self.receiving.receive(&self.stream, &mut self.chunk)?;
        self.tally.receives += moved.calls;
        self.tally.bytes_received += moved.bytes as u64;
        Ok(moved.bytes)
    }
}
