//! How wide columns are drawn.

/// Columns between two columns.
pub(super) const SPACING: u16 = 2;
/// Characters that are left of a name, so that it still says something.
const NARROWEST: usize = 12;

/// What a column would take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Characters of its title.
    pub(super) title: usize,
    /// Characters of the longest that stands in it, its title included.
    pub(super) longest: usize,
    /// Names may be cut, numbers not.
    pub(super) is_text: bool,
}

impl Wanted {
    fn least(self) -> usize {
        if self.is_text {
            self.longest.min(self.title.max(NARROWEST))
        } else {
            self.longest
        }
    }
}

/// The widths of those that fit, from the left. Names make room for figures, the longest first: what
/// is left out is what does not fit even so.
pub(super) fn widths(wanted: &[Wanted], room: u16) -> Vec<u16> {
    let room = usize::from(room);
    let spaces = |count: usize| usize::from(SPACING) * count.saturating_sub(1);
    let fits = |count: usize| {
        let least: usize = wanted[..count].iter().map(|column| column.least()).sum();
        least + spaces(count) <= room
    };
    let count = (1..=wanted.len()).rev().find(|count| fits(*count));
    let fitting = &wanted[..count.unwrap_or(1).min(wanted.len())];
    let mut widths: Vec<usize> = fitting
        .iter()
        .map(|column| column.longest.min(room))
        .collect();
    while widths.iter().sum::<usize>() + spaces(widths.len()) > room {
        let longer = fitting.iter().zip(&mut widths);
        let longer = longer.filter(|(column, width)| column.is_text && **width > column.least());
        match longer.map(|(_, width)| width).max() {
            Some(longest) => *longest -= 1,
            None => break,
        }
    }
    let narrow = |width: usize| u16::try_from(width).unwrap_or(u16::MAX);
    widths.into_iter().map(narrow).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_make_room_for_figures_and_the_rest_is_left_out() {
        let text = |longest: usize| Wanted {
            title: 4,
            longest,
            is_text: true,
        };
        let number = |longest: usize| Wanted {
            is_text: false,
            ..text(longest)
        };
        let all = [text(20), number(5), text(40), number(6)];
        let check = |room: u16, expected: &[u16]| assert_eq!(widths(&all, room), expected);
        check(100, &[20, 5, 40, 6]);
        check(60, &[20, 5, 23, 6]);
        check(48, &[16, 5, 15, 6]);
        check(41, &[12, 5, 12, 6]);
        check(40, &[16, 5, 15]);
        check(25, &[18, 5]);
        check(15, &[15]);
        check(5, &[5]);
        assert_eq!(widths(&[], 80), Vec::<u16>::new());
        assert_eq!(widths(&[text(usize::MAX / 4)], 80), [80]);
    }
}
