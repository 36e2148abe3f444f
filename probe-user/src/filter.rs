//! The filter language: sysdig's, over whatever has fields.
//!
//! An expression is parsed once ([`Filter`]) and asked of each [`Record`], which gives the values of
//! a field: one, none, or several (an edge has two containers). A comparison holds if it holds for
//! any of the values; `!=` and `not` turn that round, so `fd.ip != A` means that neither end is A.
//! Where records come from is not known here.

mod decided;
mod error;
mod expr;
pub mod field;
mod glob;
mod matching;
mod net;
mod never;
pub mod of;
mod operand;
mod parse;
mod print;
mod record;
mod size;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

pub use error::{FilterError, What};
use expr::{Expr, Op, Test};
pub use field::{Field, Kind};
pub use net::Net;
use operand::Operand;
pub use record::{Record, Value};

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    expr: Expr,
}

impl Filter {
    /// Whether it is true of `record`.
    #[must_use]
    pub fn matches(&self, record: &impl Record) -> bool {
        matching::holds(&self.expr, record)
    }

    /// The same, where a record is not asked by itself.
    #[must_use]
    pub fn admits(filter: Option<&Self>, record: &impl Record) -> bool {
        filter.is_none_or(|filter| filter.matches(record))
    }

    /// Why no record of this kind can ever match; `None` when one may.
    #[must_use]
    pub fn never(&self, kind: Kind) -> Option<String> {
        never::reason(&self.expr, kind)
    }

    /// Whether a record of this kind may match of which `field` is `value`. What it does not see
    /// through may.
    #[must_use]
    pub fn may_match(&self, kind: Kind, field: Field, value: &str) -> bool {
        let Ok(operand) = Operand::new(value.to_owned(), field.spec().kind, Op::Equal) else {
            return false; // it is no value of the field
        };
        let test = Expr::Test(Test {
            field,
            key: String::new(),
            op: Op::Equal,
            operands: vec![operand],
        });
        never::reason(&Expr::And(vec![self.expr.clone(), test]), kind).is_none()
    }

    /// What holds of every record that passes: fields and what they must equal, as far as that is
    /// asked for without alternatives.
    #[must_use]
    pub fn certainties(&self) -> Vec<(Field, Value<'_>)> {
        let parts = match &self.expr {
            Expr::And(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut certain = Vec::new();
        for part in parts {
            if let Expr::Test(test) = part
                && matches!(test.op, Op::Equal | Op::In)
                && let [operand] = test.operands.as_slice()
                && let Some(value) = operand.value()
            {
                certain.push((test.field, value));
            }
        }
        certain
    }

    /// Whether nothing passes that has what `record` has of the fields that are `known`, whatever else
    /// it has.
    #[must_use]
    pub fn refuses(&self, record: &impl Record, known: impl Fn(Field) -> bool) -> bool {
        decided::decided(&self.expr, record, &known) == Some(false)
    }

    /// Whether there may be such a record.
    #[must_use]
    pub fn refuses_by(&self, known: impl Fn(Field) -> bool) -> bool {
        decided::decides(&self.expr, false, &known)
    }

    /// Every field it names, in the order of the table, each once.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        self.expr.each_test(&mut |test| fields.push(test.field));
        fields.sort_unstable();
        fields.dedup();
        fields
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Ok(Self {
            expr: parse::expression(text)?,
        })
    }
}

/// As one would write it; parsing that gives the same filter again.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::write(&self.expr, f)
    }
}
