//! Answers of name servers, as they came.

use core::mem::size_of;

/// Bytes kept of a message: what a server without extensions sends at most. A longer one is cut, its
/// start kept.
pub const MESSAGE_LEN: usize = 512;

/// A message that came over UDP from port 53.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DnsMessage {
    /// How many bytes there are.
    pub length: u32,
    /// Always 0.
    pub pad: u32,
    /// The message without its headers.
    pub bytes: [u8; MESSAGE_LEN],
}

const _: () = assert!(size_of::<DnsMessage>() == 8 + MESSAGE_LEN);
