//! The file: TOML, one key a setting.

use std::{fs, path::Path};

use toml::{Table, Value};

use super::{ConfigError, Form, Key, named, nearest};

/// What the file says, as words.
pub(super) fn read(path: &Path) -> Result<Vec<(&'static str, Vec<String>)>, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(path, &text)
}

/// The same of a text; `path` is what it is called in errors.
pub(super) fn parse(
    path: &Path,
    text: &str,
) -> Result<Vec<(&'static str, Vec<String>)>, ConfigError> {
    let table: Table = toml::from_str(text).map_err(|error| ConfigError::Toml {
        path: path.to_owned(),
        line: error
            .span()
            .map_or(1, |span| 1 + text[..span.start].matches('\n').count()),
        reason: error.message().to_owned(),
    })?;
    let words = table.into_iter().map(|(name, value)| {
        let key = named(&name.replace('_', "-")).ok_or_else(|| ConfigError::Unknown {
            path: path.to_owned(),
            nearest: nearest(&name),
            key: name,
        })?;
        let values = words(key, value).map_err(|expected| ConfigError::Form {
            path: path.to_owned(),
            key: key.name,
            expected,
        })?;
        Ok((key.name, values))
    });
    words.collect()
}

/// The value in words, or what it ought to have been.
fn words(key: &Key, value: Value) -> Result<Vec<String>, &'static str> {
    let text = |value| match value {
        Value::String(text) => Ok(text),
        _ => Err("a text in quotes"),
    };
    match (key.form, value) {
        (Form::Text, value) => Ok(vec![text(value)?]),
        (Form::List, Value::Array(values)) => values.into_iter().map(text).collect(),
        (Form::List, _) => Err("a list, such as [\"a\", \"b\"]"),
        (Form::Number, Value::Integer(number)) => Ok(vec![number.to_string()]),
        (Form::Number, _) => Err("a whole number"),
        (Form::Switch, Value::Boolean(on)) => Ok(vec![on.to_string()]),
        (Form::Switch, _) => Err("true or false"),
    }
}
