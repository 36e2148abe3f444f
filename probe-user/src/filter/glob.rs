//! Shell patterns, by way of regular expressions.

/// `*`, `?`, `[a-z]`, `[!a-z]`; a backslash takes its meaning from what follows. A bracket that is
/// not closed means itself, as in a shell. The expression is to match the whole text.
pub(super) fn to_regex(pattern: &str) -> String {
    let mut regex = String::from("(?s)");
    let mut rest = pattern.chars();
    while let Some(next) = rest.next() {
        match next {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' => match class(rest.as_str()) {
                Some((class, after)) => {
                    regex.push_str(&class);
                    rest = after.chars();
                }
                None => regex.push_str("\\["),
            },
            '\\' => literal(rest.next().unwrap_or('\\'), &mut regex),
            other => literal(other, &mut regex),
        }
    }
    regex
}

/// The class that `text`, which follows a `[`, begins with, and what comes after it.
fn class(text: &str) -> Option<(String, &str)> {
    let (not, inner) = match text.strip_prefix(['!', '^']) {
        Some(inner) => ("^", inner),
        None => ("", text),
    };
    // A bracket in the first place is a member.
    let first = inner.chars().next()?.len_utf8();
    let end = first + inner[first..].find(']')?;
    let mut regex = format!("[{not}");
    for member in inner[..end].chars() {
        // A hyphen keeps its meaning: a range, or itself in the first or last place.
        if member == '-' {
            regex.push('-');
        } else {
            literal(member, &mut regex);
        }
    }
    regex.push(']');
    Some((regex, &inner[end + 1..]))
}

fn literal(char: char, regex: &mut String) {
    if char.is_ascii_punctuation() {
        regex.push('\\');
    }
    regex.push(char);
}
