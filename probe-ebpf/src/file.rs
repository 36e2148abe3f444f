//! Files: what one is called, and what a [`Message`] about one says.
//!
//! [`Message`]: crate::message::Message

use core::mem::{offset_of, size_of};

use crate::flow::COMM_LEN;

/// As [`Message::protocol`], beside the sockets': a regular file.
///
/// [`Message::protocol`]: crate::message::Message::protocol
pub const PROTOCOL_FILE: u8 = 240;
/// A pipe, with a name or without.
pub const PROTOCOL_PIPE: u8 = 241;
/// A terminal.
pub const PROTOCOL_TTY: u8 = 242;

/// Bytes of names that are kept of a path; of a longer one the beginning is left out.
pub const NAMES_LEN: usize = 768;
/// Names and mounts that are climbed through on the way to the root; as above.
pub const MAX_NAMES: u32 = 48;

/// A file and its path as the process sees it. In a record it follows the message, and the payload
/// follows it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FilePath {
    /// `st_ino`.
    pub inode: u64,
    /// The filesystem's device number, as the kernel has it.
    pub device: u32,
    /// Bytes of `names` that mean something.
    pub length: u16,
    /// 1 where the beginning is left out.
    pub cut: u8,
    /// Always 0.
    pub pad: u8,
    /// The names from the file up to the root, each with a zero at its end.
    pub names: [u8; NAMES_LEN],
}

/// Files of which one period keeps count, at most.
pub const MAX_FILES: usize = 16_384;
/// Cgroups of which it keeps count of what found no room there.
pub const MAX_FILE_CGROUPS: usize = 1024;

/// Whose reads and writes, of which file, and when.
///
/// Periods follow each other, as user space says: what belongs to one that is over does not change any
/// more, and can be taken without losing what comes meanwhile.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FileKey {
    /// The cgroup v2 id of the process.
    pub cgroup: u64,
    /// As in a [`FilePath`].
    pub inode: u64,
    /// As there.
    pub device: u32,
    /// The period's number.
    pub period: u32,
    /// The command of the thread group's leader.
    pub comm: [u8; COMM_LEN],
}

/// What was moved.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FileCounts {
    /// Calls that read.
    pub reads: u64,
    /// Calls that wrote.
    pub writes: u64,
    /// Bytes that calls read.
    pub bytes_read: u64,
    /// Bytes that calls wrote.
    pub bytes_written: u64,
}

/// What was moved, and the file's path when it first was in the period.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FileUse {
    /// What was moved.
    pub counts: FileCounts,
    /// The file.
    pub path: FilePath,
}

/// A cgroup, in a period: what was moved in files that had no room.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FileRestKey {
    /// The cgroup v2 id.
    pub cgroup: u64,
    /// As in a [`FileKey`].
    pub period: u64,
}

const _: () = {
    assert!(size_of::<FileKey>() == 40);
    assert!(size_of::<FileCounts>() == 32);
    assert!(size_of::<FileUse>() == 32 + 16 + NAMES_LEN);
    assert!(size_of::<FileRestKey>() == 16);

    assert!(offset_of!(FilePath, names) == 16);
    assert!(size_of::<FilePath>() == 16 + NAMES_LEN);
};
