//! Messages from their ring, decoded.

use std::{
    mem::{offset_of, size_of},
    net::{Ipv6Addr, SocketAddr},
    os::fd::{AsRawFd, RawFd},
};

use aya::maps::{Map, MapData, MapError, RingBuf};
use bytes::{Bytes, BytesMut};
use probe_ebpf::{
    file::{FilePath, PROTOCOL_FILE, PROTOCOL_PIPE, PROTOCOL_TTY},
    flow::{PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_UNIX},
    message::{DIRECTION_RECEIVED, DIRECTION_SENT, Message as Wire, Wanted},
};

use super::file;
use crate::ids::{CgroupId, Nanos, NetNs, Pid};

/// Messages taken at once: so many that a signal does not wait long.
const BATCH: usize = 512;
/// Bytes of payload that are copied into one allocation, about.
const CHUNK: usize = 256 * 1024;

/// How much is kept of what is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capture {
    /// Bytes of each call's payload.
    pub snaplen: u32,
    /// Bytes of the ring, a power of two. When it is full, messages are lost, and counted.
    pub ring: u32,
    /// Which messages are wanted at all.
    pub wanted: Wanted,
    /// Whether those about files are, beside sockets'.
    pub files: bool,
}

/// Which way the bytes went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// From the program.
    Sent,
    /// To the program.
    Received,
}

/// What carried them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Channel {
    /// TCP or UDP.
    Inet {
        /// TCP, not UDP.
        tcp: bool,
        /// The socket's own address.
        local: SocketAddr,
        /// Whom the bytes went to or came from, if the kernel told.
        remote: Option<SocketAddr>,
    },
    /// A unix socket.
    Unix {
        /// The path that is listened on, an abstract one with a leading `@`; none of a `socketpair`.
        path: Option<String>,
        /// Who held the other end when it was connected.
        peer: Option<Pid>,
    },
    /// What is in the filesystem, or looks like it.
    File {
        /// What of it.
        kind: FileKind,
        /// Its path as the process saw it, or `pipe:[INODE]`.
        path: String,
    },
}

/// Files of which messages tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A pipe, with a name or without.
    Pipe,
    /// A terminal.
    Terminal,
}

impl FileKind {
    /// One word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "file",
            Self::Pipe => "pipe",
            Self::Terminal => "tty",
        }
    }

    const fn of(protocol: u8) -> Option<Self> {
        Some(match protocol {
            PROTOCOL_FILE => Self::Regular,
            PROTOCOL_PIPE => Self::Pipe,
            PROTOCOL_TTY => Self::Terminal,
            _ => return None,
        })
    }
}

/// What one send or receive call moved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// When the call ended.
    pub time: Nanos,
    /// The cgroup of the process.
    pub cgroup: CgroupId,
    /// The process.
    pub pid: Pid,
    /// Its thread.
    pub thread: Pid,
    /// Its command, at most 15 bytes.
    pub command: String,
    /// Which way.
    pub direction: Direction,
    /// Over what.
    pub channel: Channel,
    /// The network namespace.
    pub netns: NetNs,
    /// The system call's number.
    pub call: i32,
    /// The socket's or file's descriptor, where the call has it as its first argument.
    pub fd: i32,
    /// Bytes that were moved.
    pub length: u32,
    /// The first of them.
    pub payload: Bytes,
}

/// The ring's reading end. Wakes who polls its file descriptor.
pub struct Messages {
    ring: RingBuf<MapData>,
    copied: BytesMut,
    undecoded: u64,
}

impl TryFrom<Map> for Messages {
    type Error = MapError;

    fn try_from(map: Map) -> Result<Self, MapError> {
        Ok(Self {
            ring: map.try_into()?,
            copied: BytesMut::new(),
            undecoded: 0,
        })
    }
}

/// Readable while there are messages.
impl AsRawFd for Messages {
    fn as_raw_fd(&self) -> RawFd {
        self.ring.as_raw_fd()
    }
}

impl Messages {
    /// Takes what is there, but not too much of it: when nothing is left, nothing.
    pub fn take(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        while messages.len() < BATCH
            && let Some(item) = self.ring.next()
        {
            // The ring's memory goes back to the kernel; what follows the payload stays there.
            let meant = item.get(..meant(&item)).unwrap_or(&item);
            if self.copied.capacity() < meant.len() {
                self.copied.reserve(CHUNK.max(meant.len()));
            }
            self.copied.extend_from_slice(meant);
            match decode(&self.copied.split().freeze()) {
                Some(message) => messages.push(message),
                None => self.undecoded += 1,
            }
        }
        messages
    }

    /// Messages that were none: none, unless the kernel side is not ours.
    #[must_use]
    pub const fn undecoded(&self) -> u64 {
        self.undecoded
    }
}

/// Bytes of a record that mean something.
fn meant(record: &[u8]) -> usize {
    let captured = number(record, offset_of!(Wire, captured)).unwrap_or_default();
    usize::try_from(captured).map_or(usize::MAX, |bytes| bytes.saturating_add(payload_at(record)))
}

/// Where a record's payload begins.
fn payload_at(record: &[u8]) -> usize {
    let protocol = record.get(offset_of!(Wire, protocol)).copied();
    match protocol.and_then(FileKind::of) {
        Some(_) => size_of::<Wire>() + size_of::<FilePath>(),
        None => size_of::<Wire>(),
    }
}

/// A record of the ring as a message, whose payload is a part of it; `None` when it is none.
#[must_use]
pub fn decode(record: &Bytes) -> Option<Message> {
    let byte = |at: usize| record.get(at).copied();
    let short = |at| Some(u16::from_ne_bytes(array(record, at)?));
    let long = |at| Some(u64::from_ne_bytes(array(record, at)?));
    let start = payload_at(record);
    let captured = usize::try_from(number(record, offset_of!(Wire, captured))?).ok()?;
    let length = number(record, offset_of!(Wire, length))?;
    let end = start.checked_add(captured)?;
    if record.len() < end || captured > usize::try_from(length).ok()? {
        return None;
    }
    let address = |address, port| {
        let ip = Ipv6Addr::from(array::<16>(record, address)?).to_canonical();
        Some(SocketAddr::new(ip, short(port)?))
    };
    let protocol = byte(offset_of!(Wire, protocol))?;
    let channel = match protocol {
        PROTOCOL_TCP | PROTOCOL_UDP => {
            let remote = address(offset_of!(Wire, remote), offset_of!(Wire, remote_port))?;
            Channel::Inet {
                tcp: protocol == PROTOCOL_TCP,
                local: address(offset_of!(Wire, local), offset_of!(Wire, local_port))?,
                remote: is_somebody(remote).then_some(remote),
            }
        }
        PROTOCOL_UNIX => {
            let length = usize::from(byte(offset_of!(Wire, path_length))?);
            let start = offset_of!(Wire, path);
            let peer = number(record, offset_of!(Wire, peer_pid))?;
            Channel::Unix {
                path: path(record.get(start..start.checked_add(length)?)?),
                peer: (peer != 0).then_some(Pid(peer)),
            }
        }
        protocol => Channel::File {
            kind: FileKind::of(protocol)?,
            path: file::path(record.get(size_of::<Wire>()..start)?)?,
        },
    };
    Some(Message {
        time: Nanos(long(offset_of!(Wire, time))?),
        cgroup: CgroupId(long(offset_of!(Wire, cgroup))?),
        pid: Pid(number(record, offset_of!(Wire, pid))?),
        thread: Pid(number(record, offset_of!(Wire, thread))?),
        command: super::records::text(&array::<16>(record, offset_of!(Wire, comm))?),
        direction: match byte(offset_of!(Wire, direction))? {
            DIRECTION_SENT => Direction::Sent,
            DIRECTION_RECEIVED => Direction::Received,
            _ => return None,
        },
        channel,
        netns: NetNs(number(record, offset_of!(Wire, netns))?),
        call: number(record, offset_of!(Wire, call))?.cast_signed(),
        fd: number(record, offset_of!(Wire, fd))?.cast_signed(),
        length,
        payload: record.slice(start..end),
    })
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(array(bytes, at)?))
}

/// A peer that is known has a port.
fn is_somebody(peer: SocketAddr) -> bool {
    peer.port() != 0
}

/// `sun_path` as people write it.
fn path(name: &[u8]) -> Option<String> {
    match name {
        [] => None,
        [0, rest @ ..] => Some(format!("@{}", String::from_utf8_lossy(rest))),
        name => Some(super::records::text(name)),
    }
}

#[cfg(test)]
mod tests;
