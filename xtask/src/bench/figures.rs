//! Figures of several rounds, and how they are shown.

use std::fmt;

/// The same figure of each round, in order of size.
#[derive(Clone, Debug)]
pub(super) struct Figures(Vec<f64>);

impl Figures {
    /// Of at least one round.
    pub(super) fn of(rounds: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<_> = rounds.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Self(sorted)
    }

    /// The middle one; between two of them, their mean.
    pub(super) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        if self.0.len().is_multiple_of(2) {
            f64::midpoint(self.0[middle - 1], self.0[middle])
        } else {
            self.0[middle]
        }
    }

    /// The smallest and the largest.
    pub(super) fn range(&self) -> (f64, f64) {
        let first = self.0.first().copied().unwrap_or_default();
        (first, self.0.last().copied().unwrap_or_default())
    }
}

/// A ratio and its range, as in `0.983 (0.979–0.991)`.
pub(super) struct Ratio<'a>(pub(super) &'a Figures);

impl fmt::Display for Ratio<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = self.0.range();
        write!(f, "{:.3} ({least:.3}–{most:.3})", self.0.median())
    }
}

/// A whole number with a comma at each thousand.
pub(super) fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes as mebibytes.
pub(super) fn mebibytes(bytes: u64) -> String {
    // Memory of a machine is far below 2⁵³ bytes.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let bytes = bytes as f64;
    format!("{:.1} MiB", bytes / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::{Figures, Ratio, mebibytes, thousands};

    #[test]
    fn a_median_with_its_range() {
        let odd = Figures::of([0.99, 0.97, 0.98]);
        assert_eq!(Ratio(&odd).to_string(), "0.980 (0.970–0.990)");
        let even = Figures::of([4.0, 1.0, 3.0, 2.0]);
        assert!((even.median() - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(thousands(1_234_567.4), "1,234,567");
        assert_eq!(thousands(999.0), "999");
        assert_eq!(mebibytes(3 << 19), "1.5 MiB");
    }
}
