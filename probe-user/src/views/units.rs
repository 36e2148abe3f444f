//! Numbers and names for people.

use crate::export::text::plain;

/// Bytes with a decimal unit, as `docker stats` and `ls --si` write them: `216.0 kB`.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "four digits are shown, a double has fifteen"
)]
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    // What would be rounded to 1000.0 is 1.0 of the next.
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A count with a decimal suffix: `20.0k`.
#[must_use]
pub fn count(count: u64) -> String {
    if count < 10_000 {
        return count.to_string();
    }
    let text = bytes(count);
    let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
    format!("{number}{}", unit.trim_end_matches('B'))
}

/// Names and arguments may hold anything; a terminal must not get it raw.
#[must_use]
pub fn printable(text: &str) -> String {
    plain(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_to_four_digits() {
        let check = |number, text| assert_eq!(bytes(number), text);
        check(0, "0 B");
        check(999, "999 B");
        check(1000, "1.0 kB");
        check(216_000, "216.0 kB");
        check(999_949, "999.9 kB");
        check(999_950, "1.0 MB");
        check(u64::MAX, "18.4 EB");
    }

    #[test]
    fn counts_are_short_from_ten_thousand() {
        assert_eq!(count(9_999), "9999");
        assert_eq!(count(20_000), "20.0k");
    }
}
