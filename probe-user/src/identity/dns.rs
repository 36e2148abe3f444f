//! What a name server's answer says: RFC 1035, as much of it as names addresses.
//!
//! Whoever asked connects to an address for the sake of the name it asked for, whatever aliases
//! stand between; so the question's name is all that is read, and names in answers are stepped
//! over. No pointer is ever followed. Messages are anybody's bytes, and may be cut.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const RESPONSE: u16 = 0x8000;
const RESULT: u16 = 0x000f;
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_INTERNET: u16 = 1;

/// The longest name, dots included.
const NAME_LEN: usize = 253;
/// The longest part of one.
const LABEL_LEN: u8 = 63;
/// Records of an answer that are looked at: more than fit into any message that is kept.
const RECORDS: u16 = 64;

/// A name and where it leads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// What was asked for, in lower case, with no dot at its end.
    pub name: String,
    /// Each address with the seconds for which that holds.
    pub addresses: Vec<(IpAddr, u32)>,
}

/// What `message` says, if it names an address. Of one that was cut, what came before the cut.
#[must_use]
pub fn answer(message: &[u8]) -> Option<Answer> {
    let mut bytes = Bytes(message);
    let _id = bytes.number()?;
    let flags = bytes.number()?;
    let (questions, records) = (bytes.number()?, bytes.number()?);
    let _others: [u8; 4] = bytes.array()?;
    if flags & RESPONSE == 0 || flags & RESULT != 0 || questions != 1 {
        return None;
    }
    let name = bytes.name()?;
    let (asked, class) = (bytes.number()?, bytes.number()?);
    if !matches!(asked, TYPE_A | TYPE_AAAA) || class != CLASS_INTERNET {
        return None;
    }
    let mut addresses = Vec::new();
    for _ in 0..records.min(RECORDS) {
        let Some(record) = bytes.record() else {
            break;
        };
        addresses.extend(record.address().map(|address| (address, record.lives)));
    }
    (!addresses.is_empty()).then_some(Answer { name, addresses })
}

/// What is left of a message.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(length)?;
        self.0 = left;
        Some(taken)
    }

    fn array<const LEN: usize>(&mut self) -> Option<[u8; LEN]> {
        self.take(LEN)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// A name that points nowhere, of letters, digits, hyphens and underscores: what else names may
    /// hold belongs on no screen.
    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        loop {
            let [length] = self.array()?;
            if length == 0 {
                return (!name.is_empty()).then_some(name);
            }
            if length > LABEL_LEN {
                return None;
            }
            let label = self.take(length.into())?;
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if !label.iter().all(plain) || name.len() + label.len() >= NAME_LEN {
                return None;
            }
            if !name.is_empty() {
                name.push('.');
            }
            name.extend(
                label
                    .iter()
                    .map(|byte| char::from(byte.to_ascii_lowercase())),
            );
        }
    }

    /// Steps over a name: labels to the end, or to a pointer, which ends it too.
    fn step_over_name(&mut self) -> Option<()> {
        loop {
            match self.array()? {
                [0] => return Some(()),
                [length @ 1..=LABEL_LEN] => drop(self.take(length.into())?),
                [0xc0..=0xff] => return self.take(1).map(drop),
                _ => return None,
            }
        }
    }

    /// An answer's record.
    fn record(&mut self) -> Option<Record<'a>> {
        self.step_over_name()?;
        let (kind, class) = (self.number()?, self.number()?);
        let lives = u32::from_be_bytes(self.array()?);
        let length = self.number()?;
        Some(Record {
            kind,
            class,
            lives,
            data: self.take(length.into())?,
        })
    }
}

/// A record of an answer.
struct Record<'a> {
    kind: u16,
    class: u16,
    /// Seconds.
    lives: u32,
    data: &'a [u8],
}

impl Record<'_> {
    /// The address in it, if it is one.
    fn address(&self) -> Option<IpAddr> {
        match (self.kind, self.class) {
            (TYPE_A, CLASS_INTERNET) => {
                let octets: [u8; 4] = self.data.try_into().ok()?;
                Some(Ipv4Addr::from(octets).into())
            }
            (TYPE_AAAA, CLASS_INTERNET) => {
                let octets: [u8; 16] = self.data.try_into().ok()?;
                Some(Ipv6Addr::from(octets).to_canonical())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
