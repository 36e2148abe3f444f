//! Words: what stands between spaces, brackets and operators, quoted or not.

use std::ops::Range;

use winnow::{
    Parser,
    combinator::{alt, not, opt, preceded, repeat},
    error::{ErrMode, ParserError as _},
    stream::{Location as _, Stream as _},
    token::{any, none_of, one_of, take_while},
};

use super::{Fault, Input, Parsed, cut};
use crate::filter::error::What;

/// Words that are no values unless quoted.
pub(super) const KEYWORDS: [&str; 3] = ["and", "or", "not"];

/// In single or double quotes. A backslash takes its meaning from a quote and another backslash;
/// before anything else it is itself, so that regular expressions need no more of them.
pub(super) fn quoted(input: &mut Input<'_>) -> Parsed<String> {
    let start = input.current_token_start();
    let quote = one_of(['"', '\'']).parse_next(input)?;
    let escaped = preceded('\\', one_of(['\\', quote]));
    let char = alt((escaped, none_of(quote)));
    let text = repeat(0.., char)
        .fold(String::new, |mut text, char| {
            text.push(char);
            text
        })
        .parse_next(input)?;
    if opt(quote).parse_next(input)?.is_none() {
        return cut(start..start + 1, What::Quote);
    }
    Ok(text)
}

pub(super) fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace)
        .void()
        .parse_next(input)
}

/// The word by itself, not as the beginning of another.
pub(super) fn keyword<'a>(word: &'static str) -> impl Parser<Input<'a>, (), ErrMode<Fault>> {
    move |input: &mut Input<'a>| {
        let start = input.checkpoint();
        space(input)?;
        let found = opt((word, not(one_of(is_bare_char)))).parse_next(input)?;
        if found.is_some() {
            return Ok(());
        }
        input.reset(&start);
        Err(ErrMode::from_input(input))
    }
}

/// What comes next, up to a space, for a message.
pub(super) fn ahead(input: &Input<'_>) -> (Range<usize>, String) {
    let mut rest = *input;
    let spaces = space(&mut rest);
    let start = rest.current_token_start();
    let word = take_while(1.., is_bare_char).map(str::to_owned);
    let char = any.map(|char: char| char.to_string());
    let found: Parsed<String> = alt((word, char)).parse_next(&mut rest);
    match (spaces, found) {
        (Ok(()), Ok(found)) => (start..start + found.len(), found),
        _ => (start..start, String::new()),
    }
}

pub(super) fn is_key_char(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '.' | '_' | '-' | '/')
}

pub(super) fn is_bare_char(char: char) -> bool {
    !char.is_whitespace()
        && !char.is_control()
        && !matches!(char, '(' | ')' | ',' | '"' | '\'' | '=' | '<' | '>')
}

/// Whether a label's key needs no quotes.
pub(in crate::filter) fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_key_char)
}

/// Whether a value needs no quotes.
pub(in crate::filter) fn is_bare(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_bare_char) && !KEYWORDS.contains(&text)
}
