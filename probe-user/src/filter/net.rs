//! A network in CIDR notation.

use std::{net::IpAddr, str::FromStr};

/// The addresses that begin alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Net {
    start: u128,
    /// Bits that must be equal, of 128.
    bits: u32,
    v4: bool,
}

impl Net {
    /// Whether `address` is in it. An IPv4 address is in no IPv6 network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.v4 == address.is_ipv4() && number(address) & mask(self.bits) == self.start
    }
}

/// All 128 bits; an IPv4 address in the last 32.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn mask(bits: u32) -> u128 {
    u128::MAX.checked_shl(128 - bits).unwrap_or(0)
}

/// `10.0.0.0/8`, `fd00::/8`, or one address alone. Bits behind the prefix do not matter.
impl FromStr for Net {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                (address, Some(bits.parse::<u32>().map_err(drop)?))
            }
            Some(_) => return Err(()),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(drop)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        if bits > width {
            return Err(());
        }
        let bits = bits + (128 - width);
        Ok(Self {
            start: number(address) & mask(bits),
            bits,
            v4: address.is_ipv4(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_what_begins_alike() {
        let check = |net: &str, address: &str, is| {
            let net: Net = net.parse().unwrap();
            assert_eq!(net.contains(address.parse().unwrap()), is, "{address}");
        };
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.1.2.3/8", "10.0.0.1", true);
        check("10.0.0.1", "10.0.0.1", true);
        check("10.0.0.1", "10.0.0.2", false);
        check("0.0.0.0/0", "255.1.2.3", true);
        check("0.0.0.0/0", "::1", false);
        check("10.0.0.0/8", "::ffff:10.1.1.1", true);
        check("::/0", "10.0.0.1", false);
        check("fd00::/8", "fdff::1", true);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "web",
            "::/129",
        ] {
            assert_eq!(text.parse::<Net>(), Err(()), "{text}");
        }
    }
}
