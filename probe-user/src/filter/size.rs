//! Numbers with units.

/// `80`, `10k`, `1.5M`, `2MiB`: decimal units by a letter, binary ones by `i`, with or without `B`.
pub(super) fn number(text: &str) -> Option<u64> {
    let (number, unit) = split(text);
    let unit = unit.strip_suffix(['B', 'b']).unwrap_or(unit);
    let factor = match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "m" | "M" => 1_000_000,
        "g" | "G" => 1_000_000_000,
        "t" | "T" => 1_000_000_000_000,
        "ki" | "Ki" => 1 << 10,
        "mi" | "Mi" => 1 << 20,
        "gi" | "Gi" => 1 << 30,
        "ti" | "Ti" => 1 << 40,
        _ => return None,
    };
    scaled(number, factor)
}

/// `5ms`, `1.5s`: nanoseconds. A unit is needed.
pub(super) fn time(text: &str) -> Option<u64> {
    let (number, unit) = split(text);
    let factor = match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    scaled(number, factor)
}

fn split(text: &str) -> (&str, &str) {
    let end = text
        .find(|char: char| !char.is_ascii_digit() && char != '.')
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Exact: what is left of a fraction below one is refused, as is what does not fit.
fn scaled(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || (fraction.is_empty() && number.contains('.')) || fraction.len() > 15 {
        return None;
    }
    let whole: u128 = whole.parse().ok()?;
    let mut total = whole.checked_mul(factor.into())?;
    if !fraction.is_empty() {
        let parts = fraction.parse::<u128>().ok()? * u128::from(factor);
        let of = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
        if !parts.is_multiple_of(of) {
            return None;
        }
        total = total.checked_add(parts / of)?;
    }
    u64::try_from(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units() {
        let check = |text, expected| assert_eq!(number(text), expected, "{text}");
        check("80", Some(80));
        check("10k", Some(10_000));
        check("10kB", Some(10_000));
        check("1.5M", Some(1_500_000));
        check("2MiB", Some(2 << 20));
        check("18446744073709551615", Some(u64::MAX));
        for bad in [
            "",
            "k",
            "1.5",
            "1.",
            ".5k",
            "1..2k",
            "10x",
            "-1",
            "18446744073709551616",
            "99999999T",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn times_need_one() {
        let check = |text, expected| assert_eq!(time(text), expected, "{text}");
        check("5ms", Some(5_000_000));
        check("1.5s", Some(1_500_000_000));
        check("2h", Some(7_200_000_000_000));
        for bad in ["5", "ms", "5k", "0.5ns", ""] {
            check(bad, None);
        }
    }
}
