//! What a filter is asked of.

use std::net::IpAddr;

use super::Field;

/// Something with fields.
pub trait Record {
    /// Tells each value of `field`; none when the record does not have it. `key` says which label,
    /// and is empty for all other fields.
    fn each(&self, field: Field, key: &str, tell: &mut dyn FnMut(Value<'_>));
}

/// One value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Names, paths, ids.
    Text(&'a str),
    /// Counts, bytes, ports, ids that are numbers; nanoseconds of a latency.
    Number(u64),
    /// An address; IPv4 never in its IPv6 form.
    Address(IpAddr),
    /// Yes or no.
    Flag(bool),
}
