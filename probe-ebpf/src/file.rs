//! Files: what one is called, and what a [`Message`] about one says.
//!
//! [`Message`]: crate::message::Message

use core::mem::{offset_of, size_of};

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

const _: () = {
    assert!(offset_of!(FilePath, names) == 16);
    assert!(size_of::<FilePath>() == 16 + NAMES_LEN);
};
