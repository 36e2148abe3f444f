//! What is wrong with an expression, shown where it is wrong.

use std::{fmt, ops::Range};

use thiserror::Error;

use super::field::{TABLE, Type};

/// How alike an offered word must be, from 0 to 1.
const ALIKE: f64 = 0.75;

/// An expression that is none. It shows as a sentence, then the line with a caret under the fault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FilterError {
    text: String,
    at: Range<usize>,
    what: What,
}

/// What is wrong.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum What {
    /// There is nothing.
    #[error("the filter is empty: write a comparison, such as container.name = web")]
    Empty,
    /// Something else stands where a comparison must.
    #[error("a comparison belongs here, such as container.name = web")]
    Expected,
    /// No such field.
    #[error("there is no field {name}{}; `probe filter --list` shows them all", offer(.nearest.as_deref()))]
    Field {
        /// What was written.
        name: String,
        /// A field that looks like it.
        nearest: Option<String>,
    },
    /// A label of no key.
    #[error("a label needs its key: container.label.KEY, or container.label.\"KEY\"")]
    NoKey,
    /// No operator after a field.
    #[error("after {field} an operator is expected, such as = or contains{}", offer(.nearest.as_deref()))]
    Operator {
        /// The field.
        field: String,
        /// An operator that looks like what stands there.
        nearest: Option<String>,
    },
    /// An operator that does not go with the field.
    #[error("{op} does not go with {field}, which is {}: {}", described(*.kind), fitting(*.kind))]
    Unfit {
        /// The operator.
        op: &'static str,
        /// The field.
        field: String,
        /// What it is.
        kind: Type,
    },
    /// Nothing to compare with.
    #[error("a value is missing here: {}", .kind.wanted())]
    NoValue {
        /// What is expected.
        kind: Type,
    },
    /// A value that is none for the field.
    #[error("this must be {}", .kind.wanted())]
    Value {
        /// What is expected.
        kind: Type,
    },
    /// A word of the language where a value must be.
    #[error(
        "a value belongs here, and {word} is a word of the language: as a value, put it in quotes"
    )]
    Keyword {
        /// The word.
        word: String,
    },
    /// `in` without a list.
    #[error("`in` takes a list in parentheses, such as (80, 443)")]
    NoList,
    /// A list that does not go on.
    #[error("a list goes on with a comma, or ends with )")]
    List,
    /// More after the end.
    #[error("and, or, or the end is expected here{}", offer(.nearest.as_deref()))]
    Junk {
        /// A word that looks like what stands there.
        nearest: Option<String>,
    },
    /// A bracket that stays open.
    #[error("this parenthesis is never closed")]
    Unclosed,
    /// A bracket that closes nothing.
    #[error("this parenthesis closes nothing")]
    Unopened,
    /// A quote that stays open.
    #[error("this quote is never closed")]
    Quote,
    /// No pattern.
    #[error("this is no glob pattern: {reason}")]
    Glob {
        /// Why.
        reason: String,
    },
    /// No regular expression.
    #[error("this is no regular expression: {reason}")]
    Regex {
        /// Why.
        reason: String,
    },
    /// Too much within each other.
    #[error("at most {most} parentheses and nots may stand within each other")]
    TooDeep {
        /// How many may.
        most: usize,
    },
    /// Too long to be meant.
    #[error("a filter has at most {most} bytes")]
    TooLong {
        /// How many it may have.
        most: usize,
    },
}

fn offer(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest}?"))
}

const fn described(kind: Type) -> &'static str {
    match kind {
        Type::Text => "text",
        Type::Id => "an id",
        Type::Number | Type::Bytes => "a number",
        Type::Time => "a time",
        Type::Address => "an address",
        Type::Net => "a network",
        Type::Flag => "true or false",
    }
}

const fn fitting(kind: Type) -> &'static str {
    match kind {
        Type::Text | Type::Id => {
            "use =, !=, in, contains, icontains, startswith, endswith, glob, regex or exists"
        }
        Type::Number | Type::Bytes | Type::Time => "use =, !=, <, <=, >, >=, in or exists",
        Type::Address => "use =, !=, in or exists, and for networks fd.net = 10.0.0.0/8",
        Type::Net | Type::Flag => "use =, !=, in or exists",
    }
}

/// The field that looks most like `name`.
pub(super) fn nearest_field(name: &str) -> Option<String> {
    let names = TABLE.iter().map(|spec| (spec.name, spec.written()));
    let rated = names.map(|(plain, written)| (strsim::jaro_winkler(name, plain), written));
    best(rated)
}

/// The one of `words` that looks most like `found`.
pub(super) fn nearest_word(found: &str, words: &[&str]) -> Option<String> {
    let known = match found {
        "&&" | "&" => Some("and"),
        "||" | "|" => Some("or"),
        "like" | "matches" | "~" => Some("regex"),
        _ => None,
    };
    if let Some(known) = known.filter(|known| words.contains(known)) {
        return Some(known.to_owned());
    }
    let found = found.to_lowercase();
    let rated = words
        .iter()
        .map(|word| (strsim::jaro_winkler(&found, word), (*word).to_owned()));
    best(rated)
}

fn best(rated: impl Iterator<Item = (f64, String)>) -> Option<String> {
    rated
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, word)| word)
}

impl FilterError {
    pub(super) fn new(text: &str, at: Range<usize>, what: What) -> Self {
        Self {
            text: text.to_owned(),
            at,
            what,
        }
    }

    /// What is wrong.
    #[must_use]
    pub const fn what(&self) -> &What {
        &self.what
    }

    /// Where, in bytes of the expression.
    #[must_use]
    pub fn at(&self) -> Range<usize> {
        self.at.clone()
    }

    /// The line at fault, characters before the fault on it, and characters in the fault.
    fn line(&self) -> (String, usize, usize) {
        let start = self.text[..self.at.start]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let rest = &self.text[start..];
        let end = start + rest.find('\n').unwrap_or(rest.len());
        let before = self.text[start..self.at.start].chars().count();
        let until = self.at.end.clamp(self.at.start, end.max(self.at.start));
        let wide = self.text[self.at.start..until].chars().count();
        // A tab or an escape sequence would move the caret away from the fault.
        let plain = |char: char| if char.is_control() { ' ' } else { char };
        let line = self.text[start..end].chars().map(plain).collect();
        (line, before, wide.max(1))
    }
}

/// Characters shown before and after a fault in a long line.
const AROUND: usize = 60;

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if self.text.trim().is_empty() {
            return Ok(());
        }
        let (line, before, wide) = self.line();
        let skipped = before.saturating_sub(AROUND);
        let wide = wide.min(AROUND);
        let shown: String = line.chars().skip(skipped).take(2 * AROUND).collect();
        let caret = "^".repeat(wide);
        let indent = before - skipped;
        write!(f, "\n  {}\n  {:indent$}{caret}", shown.trim_end(), "")
    }
}

impl std::error::Error for FilterError {}
