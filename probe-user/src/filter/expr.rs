//! An expression, parsed.

use super::{Field, operand::Operand};

/// What can be true of a record.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// All of them, two or more; none of them an `And` itself.
    And(Vec<Expr>),
    /// Any of them, two or more; none of them an `Or` itself.
    Or(Vec<Expr>),
    /// The opposite.
    Not(Box<Expr>),
    /// One comparison.
    Test(Test),
}

/// One field compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Test {
    pub(super) field: Field,
    /// Which label; empty for all other fields.
    pub(super) key: String,
    pub(super) op: Op,
    /// One, but for `exists` none and for `in` one or more.
    pub(super) operands: Vec<Operand>,
}

/// How.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    ContainsAnyCase,
    StartsWith,
    EndsWith,
    Glob,
    Regex,
    In,
    Exists,
}

impl Op {
    /// Longer ones before those they begin with.
    pub(super) const SYMBOLS: [Self; 6] = [
        Self::NotEqual,
        Self::LessOrEqual,
        Self::GreaterOrEqual,
        Self::Equal,
        Self::Less,
        Self::Greater,
    ];

    pub(super) const WORDS: [Self; 8] = [
        Self::Contains,
        Self::ContainsAnyCase,
        Self::StartsWith,
        Self::EndsWith,
        Self::Glob,
        Self::Regex,
        Self::In,
        Self::Exists,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Contains => "contains",
            Self::ContainsAnyCase => "icontains",
            Self::StartsWith => "startswith",
            Self::EndsWith => "endswith",
            Self::Glob => "glob",
            Self::Regex => "regex",
            Self::In => "in",
            Self::Exists => "exists",
        }
    }

    /// Whether it compares by size.
    pub(super) const fn orders(self) -> bool {
        matches!(
            self,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual
        )
    }

    /// Whether it looks into text.
    pub(super) const fn searches(self) -> bool {
        matches!(
            self,
            Self::Contains
                | Self::ContainsAnyCase
                | Self::StartsWith
                | Self::EndsWith
                | Self::Glob
                | Self::Regex
        )
    }
}

impl Expr {
    /// All of `parts`, which are one or more.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        Self::gather(parts, Self::And, |part| match part {
            Self::And(inner) => Ok(inner),
            other => Err(other),
        })
    }

    /// Any of `parts`, which are one or more.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        Self::gather(parts, Self::Or, |part| match part {
            Self::Or(inner) => Ok(inner),
            other => Err(other),
        })
    }

    /// `(a and b) and c` is `a and b and c`.
    fn gather(
        parts: Vec<Self>,
        whole: fn(Vec<Self>) -> Self,
        open: fn(Self) -> Result<Vec<Self>, Self>,
    ) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match open(part) {
                Ok(inner) => flat.extend(inner),
                Err(other) => flat.push(other),
            }
        }
        match flat.pop() {
            Some(only) if flat.is_empty() => only,
            last => {
                flat.extend(last);
                whole(flat)
            }
        }
    }

    /// Goes over all comparisons.
    pub(super) fn each_test<'a>(&'a self, each: &mut dyn FnMut(&'a Test)) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                for part in parts {
                    part.each_test(each);
                }
            }
            Self::Not(inner) => inner.each_test(each),
            Self::Test(test) => each(test),
        }
    }
}
