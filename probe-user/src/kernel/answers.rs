//! Name servers' answers, as the kernel saw them come.

use std::mem::size_of;

use aya::maps::{Map, MapData, MapError, RingBuf};
use probe_ebpf::dns::{DnsMessage, MESSAGE_LEN};

/// The reading end of the ring of answers. Nothing wakes anybody: they can wait for a tick.
pub struct Answers(RingBuf<MapData>);

impl TryFrom<Map> for Answers {
    type Error = MapError;

    fn try_from(map: Map) -> Result<Self, MapError> {
        Ok(Self(map.try_into()?))
    }
}

impl Answers {
    /// Takes what is there: messages from port 53, the longest cut.
    pub fn drain(&mut self, mut each: impl FnMut(&[u8])) {
        while let Some(item) = self.0.next() {
            each(message(&item));
        }
    }
}

/// What of a record is the message.
fn message(record: &[u8]) -> &[u8] {
    const HEAD: usize = size_of::<DnsMessage>() - MESSAGE_LEN;
    let Some((length, _)) = record.split_first_chunk() else {
        return &[];
    };
    let length = usize::try_from(u32::from_ne_bytes(*length)).unwrap_or(MESSAGE_LEN);
    let bytes = record.get(HEAD..).unwrap_or_default();
    &bytes[..length.min(bytes.len())]
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn a_message_is_as_long_as_it_says_and_no_longer_than_there_is() {
        assert_eq!(message(b"\x02\0\0\0\0\0\0\0abc"), b"ab");
        assert_eq!(message(b"\xff\xff\xff\xff\0\0\0\0abc"), b"abc");
        assert_eq!(message(b"\x02\0\0\0"), b"");
        assert_eq!(message(b""), b"");
    }
}
