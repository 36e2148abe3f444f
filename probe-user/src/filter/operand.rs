//! What a field is compared with.

use std::net::IpAddr;

use regex_lite::Regex;

use super::{Net, Value, error::What, expr::Op, field::Type, glob, size};

/// Digits that may stand for a container's id: fewer are more likely a mistake.
const SHORTEST_ID: usize = 4;

/// As it was written, and ready to be compared.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) text: String,
    pub(super) form: Form,
}

/// The same text with the same field and operator is the same operand.
impl PartialEq for Operand {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// What it is made into.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Text,
    Id,
    Lower(String),
    Regex(Regex),
    Number(u64),
    Address(IpAddr),
    Net(Net),
    Flag(bool),
}

impl Operand {
    /// `text` for a field of type `kind`, compared by `op`.
    pub(super) fn new(text: String, kind: Type, op: Op) -> Result<Self, What> {
        let form = match op {
            Op::ContainsAnyCase => Form::Lower(text.to_lowercase()),
            Op::Glob => whole(&glob::to_regex(&text)).map_err(|reason| What::Glob { reason })?,
            Op::Regex => regex(&text).map_err(|reason| What::Regex { reason })?,
            _ if op.searches() => Form::Text,
            _ => typed(&text, kind).ok_or(What::Value { kind })?,
        };
        Ok(Self { text, form })
    }

    /// Whether `value` equals it.
    pub(super) fn equals(&self, value: Value<'_>) -> bool {
        match (&self.form, value) {
            (Form::Text, Value::Text(value)) => value == self.text,
            (Form::Id, Value::Text(value)) => value.starts_with(&self.text),
            (Form::Number(number), Value::Number(value)) => value == *number,
            (Form::Address(address), Value::Address(value)) => value.to_canonical() == *address,
            (Form::Net(net), Value::Address(value)) => net.contains(value),
            (Form::Flag(flag), Value::Flag(value)) => value == *flag,
            _ => false,
        }
    }

    /// The one value that equals it, where there is only one.
    pub(super) fn value(&self) -> Option<Value<'_>> {
        match &self.form {
            Form::Text => Some(Value::Text(&self.text)),
            Form::Number(number) => Some(Value::Number(*number)),
            Form::Address(address) => Some(Value::Address(*address)),
            Form::Flag(flag) => Some(Value::Flag(*flag)),
            Form::Id | Form::Lower(_) | Form::Regex(_) | Form::Net(_) => None,
        }
    }
}

fn typed(text: &str, kind: Type) -> Option<Form> {
    Some(match kind {
        Type::Text => Form::Text,
        Type::Id if text.len() < SHORTEST_ID => return None,
        Type::Id => Form::Id,
        Type::Number | Type::Bytes => Form::Number(size::number(text)?),
        Type::Time => Form::Number(size::time(text)?),
        Type::Address => Form::Address(text.parse::<IpAddr>().ok()?.to_canonical()),
        Type::Net => Form::Net(text.parse().ok()?),
        Type::Flag => Form::Flag(text.parse().ok()?),
    })
}

/// By itself first: an expression could close the brackets that are put around it.
fn regex(text: &str) -> Result<Form, String> {
    Regex::new(text).map_err(|error| error.to_string())?;
    whole(text)
}

/// Matches the whole value, as sysdig's does.
fn whole(pattern: &str) -> Result<Form, String> {
    let anchored = format!("^(?:{pattern})$");
    let regex = Regex::new(&anchored).map_err(|error| error.to_string())?;
    Ok(Form::Regex(regex))
}
