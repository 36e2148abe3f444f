//! Text for drawings: short, and with nothing in it that a terminal or a renderer acts on.

use std::{borrow::Cow, fmt};

use crate::topology::NodeId;

/// Characters of a name that a drawing shows.
pub const SHOWN: usize = 48;

/// `text` with every control character, line feeds as well, replaced by U+FFFD: names come from
/// files and from whoever starts a process.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().any(acts) {
        let shown = |char| {
            if acts(char) {
                char::REPLACEMENT_CHARACTER
            } else {
                char
            }
        };
        text.chars().map(shown).collect()
    } else {
        text.into()
    }
}

/// [`plain`], and at most [`SHOWN`] characters.
#[must_use]
pub fn short(text: &str) -> Cow<'_, str> {
    cut(text, SHOWN)
}

/// [`plain`], and at most `shown` characters: its beginning, and `…` where more would follow.
#[must_use]
pub fn cut(text: &str, shown: usize) -> Cow<'_, str> {
    if text.char_indices().nth(shown).is_none() {
        return plain(text);
    }
    let last = text.char_indices().nth(shown.saturating_sub(1));
    let end = last.map_or(0, |(at, _)| at);
    format!("{}…", plain(&text[..end])).into()
}

/// An id that every format can hold, as different from others as the node's own: what XML has no
/// place for, or changes, is written `\u{9}`, and so is the backslash.
pub(super) fn id(id: &NodeId) -> Cow<'_, str> {
    let changes = |char: char| {
        char == '\\' || !is_xml(char) || char.is_control() || char.is_whitespace() && char != ' '
    };
    if !id.as_str().contains(changes) {
        return id.as_str().into();
    }
    let mut text = String::with_capacity(id.as_str().len() + 8);
    for char in id.as_str().chars() {
        if changes(char) {
            text.extend(char.escape_unicode());
        } else {
            text.push(char);
        }
    }
    text.into()
}

/// XML 1.0, production 2. A carriage return is allowed there, but parsers make a line feed of it.
pub(super) const fn is_xml(char: char) -> bool {
    matches!(char, '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Control characters, what turns the direction of writing, and what XML has no place for.
fn acts(char: char) -> bool {
    let turns = matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    char.is_control() || turns || !is_xml(char) || matches!(char, '\u{2028}' | '\u{2029}')
}

/// Writes `text`, each character that `code` knows by what stands for it.
pub(super) fn escaped(
    f: &mut fmt::Formatter<'_>,
    text: &str,
    code: impl Fn(char) -> Option<&'static str>,
) -> fmt::Result {
    text.chars().try_for_each(|char| match code(char) {
        Some(code) => f.write_str(code),
        None => write!(f, "{char}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_is_left_alone_and_long_text_is_cut() {
        let check = |text: &str, expected: &str| assert_eq!(short(text), expected);
        check("web", "web");
        check(&"é".repeat(SHOWN), &"é".repeat(SHOWN));
        check(&"é".repeat(4096), &("é".repeat(SHOWN - 1) + "…"));
        check("a\x1b[31m\nb", "a\u{fffd}[31m\u{fffd}b");
        check("a\u{202e}b", "a\u{fffd}b");
    }
}
