//! The calls that move bytes: each is another way through the kernel, and all mean the same.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::{mem, ptr};

use clap::ValueEnum;
use io_uring::{IoUring, opcode, squeue, types::Fd};
use rustix::fs::{MemfdFlags, memfd_create, sendfile};
use rustix::net::{MMsgHdr, RecvFlags, SendAncillaryBuffer, SendFlags, recv, send, sendmmsg};
use rustix::pipe::{SpliceFlags, pipe, splice};

/// The most that a pipe holds unless told otherwise.
const PIPE: usize = 64 * 1024;

/// How bytes are sent.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Sending {
    /// `write`
    #[default]
    Write,
    /// `send` with `MSG_ZEROCOPY`
    Zerocopy,
    /// `sendmmsg` of two messages
    Sendmmsg,
    /// `sendfile`, of a file in memory
    Sendfile,
    /// `splice`, out of a pipe
    Splice,
    /// `io_uring`'s send
    Uring,
}

/// How bytes are received.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Receiving {
    /// `read`
    #[default]
    Read,
    /// `recv` with `MSG_PEEK`, then `read`
    Peek,
    /// `recv` with `MSG_TRUNC`: taken, but not copied
    Truncate,
    /// `recvmmsg` of up to two messages
    Recvmmsg,
    /// `splice`, into a pipe
    Splice,
    /// `io_uring`'s receive
    Uring,
}

/// What a call moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved {
    pub(crate) bytes: usize,
    /// Messages that a socket was asked to move, as the kernel counts them; splicing makes its own.
    pub(crate) calls: u64,
}

impl Moved {
    fn by_one(bytes: usize) -> Self {
        let calls = u64::from(bytes > 0);
        Self { bytes, calls }
    }
}

impl Sending {
    /// Sends the start of `bytes`, or all.
    pub(crate) fn send(self, mut stream: &TcpStream, bytes: &[u8]) -> io::Result<Moved> {
        match self {
            Self::Write => stream.write(bytes).map(Moved::by_one),
            Self::Zerocopy => zerocopy(stream, bytes).map(Moved::by_one),
            Self::Sendmmsg => two_messages(stream, bytes),
            Self::Sendfile => {
                let file = memfd_create("request", MemfdFlags::CLOEXEC)?;
                rustix::io::write(&file, bytes)?;
                let sent = sendfile(stream, &file, Some(&mut 0), bytes.len())?;
                Ok(Moved::by_one(sent))
            }
            Self::Splice => {
                let (out, into) = pipe()?;
                let filled = rustix::io::write(&into, &bytes[..bytes.len().min(PIPE)])?;
                let mut left = filled;
                while left > 0 {
                    left -= splice(&out, None, stream, None, left, SpliceFlags::empty())?;
                }
                Ok(Moved::by_one(filled))
            }
            Self::Uring => {
                let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let fd = Fd(stream.as_raw_fd());
                let send = opcode::Send::new(fd, bytes.as_ptr(), len).build();
                // SAFETY: `bytes` are there until the call is over.
                unsafe { submit(&send) }.map(Moved::by_one)
            }
        }
    }
}

impl Receiving {
    /// Receives into `bytes`, or as if; 0 at the end of the stream.
    pub(crate) fn receive(self, mut stream: &TcpStream, bytes: &mut [u8]) -> io::Result<Moved> {
        match self {
            Self::Read => stream.read(bytes).map(Moved::by_one),
            Self::Peek => {
                stream.peek(bytes)?;
                stream.read(bytes).map(Moved::by_one)
            }
            Self::Truncate => {
                let (taken, _) = recv(stream, &mut *bytes, RecvFlags::TRUNC)?;
                Ok(Moved::by_one(taken))
            }
            Self::Recvmmsg => up_to_two_messages(stream, bytes),
            Self::Splice => {
                let (out, into) = pipe()?;
                let most = bytes.len().min(PIPE);
                let taken = splice(stream, None, &into, None, most, SpliceFlags::empty())?;
                rustix::io::read(&out, &mut bytes[..taken])?;
                Ok(Moved::by_one(taken))
            }
            Self::Uring => {
                let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let fd = Fd(stream.as_raw_fd());
                let recv = opcode::Recv::new(fd, bytes.as_mut_ptr(), len).build();
                // SAFETY: `bytes` are there until the call is over.
                unsafe { submit(&recv) }.map(Moved::by_one)
            }
        }
    }
}

/// Waits until the kernel has let go of the bytes: they are to be overwritten.
fn zerocopy(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    const INT: libc::socklen_t = 4;
    let on: libc::c_int = 1;
    // SAFETY: the option is an int, and its size is given.
    let refused = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ZEROCOPY,
            (&raw const on).cast(),
            INT,
        )
    };
    if refused != 0 {
        return Err(io::Error::last_os_error());
    }
    let sent = send(
        stream,
        bytes,
        SendFlags::from_bits_retain(libc::MSG_ZEROCOPY as u32),
    )?;
    loop {
        let mut control = [0_u64; 16];
        // SAFETY: all zeroes is an empty message.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control);
        // SAFETY: the message's only buffer is `control`, of that size.
        let told =
            unsafe { libc::recvmsg(stream.as_raw_fd(), &raw mut message, libc::MSG_ERRQUEUE) };
        match io::Error::last_os_error() {
            _ if told >= 0 => return Ok(sent),
            error if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
            error => return Err(error),
        }
    }
}

fn two_messages(stream: &TcpStream, bytes: &[u8]) -> io::Result<Moved> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let (first, second) = ([IoSlice::new(first)], [IoSlice::new(second)]);
    let mut none = [
        SendAncillaryBuffer::default(),
        SendAncillaryBuffer::default(),
    ];
    let [none_first, none_second] = &mut none;
    let mut messages = [
        MMsgHdr::new(&first, none_first),
        MMsgHdr::new(&second, none_second),
    ];
    let sent = sendmmsg(stream, &mut messages, SendFlags::empty())?;
    let lengths = messages[..sent].iter().map(MMsgHdr::bytes_sent);
    Ok(Moved {
        bytes: lengths.clone().sum(),
        calls: lengths.filter(|length| *length > 0).count() as u64,
    })
}

fn up_to_two_messages(stream: &TcpStream, bytes: &mut [u8]) -> io::Result<Moved> {
    let half = bytes.len() / 2;
    let mut parts = bytes.chunks_mut(half.max(1));
    let mut next = || -> libc::iovec {
        let part = parts.next().unwrap_or_default();
        libc::iovec {
            iov_base: part.as_mut_ptr().cast(),
            iov_len: part.len(),
        }
    };
    let mut slices = [next(), next()];
    // SAFETY: all zeroes are empty messages.
    let mut messages: [libc::mmsghdr; 2] = unsafe { mem::zeroed() };
    for (message, slice) in messages.iter_mut().zip(&mut slices) {
        message.msg_hdr.msg_iov = slice;
        message.msg_hdr.msg_iovlen = 1;
    }
    // SAFETY: two messages, each with one slice of `bytes`.
    let received = unsafe {
        libc::recvmmsg(
            stream.as_raw_fd(),
            messages.as_mut_ptr(),
            2,
            libc::MSG_WAITFORONE as _,
            ptr::null_mut(),
        )
    };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    let lengths = messages[..received]
        .iter()
        .map(|message| message.msg_len as usize);
    Ok(Moved {
        bytes: lengths.clone().sum(),
        calls: lengths.filter(|length| *length > 0).count() as u64,
    })
}

/// One operation, awaited.
///
/// # Safety
///
/// What it points to is alive.
unsafe fn submit(entry: &squeue::Entry) -> io::Result<usize> {
    let mut ring = IoUring::new(1)?;
    // SAFETY: by the caller's promise; it is awaited below.
    unsafe { ring.submission().push(entry) }.map_err(io::Error::other)?;
    ring.submit_and_wait(1)?;
    let done = ring.completion().next();
    let result = done.ok_or(io::ErrorKind::UnexpectedEof)?.result();
    usize::try_from(result).map_err(|_| io::Error::from_raw_os_error(-result))
}
