//! Messages: what one send or receive call moved, with the beginning of the payload.
//!
//! They have a ring of their own. A record is a [`Message`] and `captured` bytes behind it; what
//! follows those, up to the record's end, is nothing. Of a file, a [`FilePath`] is between the two.
//!
//! [`FilePath`]: crate::file::FilePath

use core::mem::{offset_of, size_of};

use crate::flow::{COMM_LEN, PATH_WORDS};

/// The program gave the bytes away.
pub const DIRECTION_SENT: u8 = 1;
/// The program got the bytes.
pub const DIRECTION_RECEIVED: u8 = 2;

/// Bytes of payload that are kept of a call, at most.
pub const MAX_SNAPLEN: u32 = 65_536;
/// Pieces that the payload of one call is read from, at most; of a `writev` with more the rest is
/// cut.
pub const MAX_PIECES: u64 = 8;

/// Cgroups that can be known to be of no interest; what is in others is told, and passed over by who
/// reads it.
pub const MAX_REFUSED: usize = 16_384;

/// What is wanted of all messages; zeroes where anything is.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Wanted {
    /// Addresses that an end must have, as in a [`Message`].
    pub addresses: [[u8; 16]; 2],
    /// Ports that an end must have, in host byte order.
    pub ports: [u32; 2],
    /// Whose call it must be.
    pub pid: u32,
    /// One of the `DIRECTION_` constants.
    pub direction: u32,
    /// As in a [`Message`].
    pub protocol: u32,
    /// Whether there may be cgroups of which nothing is.
    pub cgroups: u32,
}

/// One call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// `CLOCK_MONOTONIC`, nanoseconds, when the call ended.
    pub time: u64,
    /// The cgroup v2 id of the process.
    pub cgroup: u64,
    /// The socket's own address; IPv4 as `::ffff:a.b.c.d`. Zeroes for a unix socket.
    pub local: [u8; 16],
    /// Whom the bytes went to or came from; zeroes when that is not known.
    pub remote: [u8; 16],
    /// The command of the thread group's leader.
    pub comm: [u8; COMM_LEN],
    /// What the call returned: bytes.
    pub length: u32,
    /// Of these, how many follow.
    pub captured: u32,
    /// The thread group.
    pub pid: u32,
    /// The thread.
    pub thread: u32,
    /// Who held the other end of a unix socket when it was connected; 0 when that is not known.
    pub peer_pid: u32,
    /// The network namespace's inode number.
    pub netns: u32,
    /// The system call's number.
    pub call: i32,
    /// Its first argument: the socket's or file's descriptor.
    pub fd: i32,
    /// In host byte order.
    pub local_port: u16,
    /// In host byte order.
    pub remote_port: u16,
    /// As in a flow's key; of a file, as there.
    pub protocol: u8,
    /// One of the `DIRECTION_` constants.
    pub direction: u8,
    /// Bytes of `path` that mean something.
    pub path_length: u8,
    /// Always 0.
    pub pad: u8,
    /// `sun_path` of the unix socket that listens; an abstract one begins with a zero.
    pub path: [u64; PATH_WORDS],
}

const _: () = {
    assert!(offset_of!(Message, length) == 64);
    assert!(offset_of!(Message, local_port) == 96);
    assert!(offset_of!(Message, path) == 104);
    assert!(size_of::<Message>() == 216);
    assert!(size_of::<Wanted>() == 56);
};
