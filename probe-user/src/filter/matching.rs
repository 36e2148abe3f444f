//! Whether an expression is true of a record.

use super::{
    Record, Value,
    expr::{Expr, Op, Test},
    operand::{Form, Operand},
};

pub(super) fn holds(expr: &Expr, record: &impl Record) -> bool {
    match expr {
        Expr::And(parts) => parts.iter().all(|part| holds(part, record)),
        Expr::Or(parts) => parts.iter().any(|part| holds(part, record)),
        Expr::Not(inner) => !holds(inner, record),
        Expr::Test(test) => {
            let mut any = false;
            record.each(test.field, &test.key, &mut |value| {
                any = any || of_value(test, value);
            });
            any != (test.op == Op::NotEqual)
        }
    }
}

/// Whether one value passes; of `!=` whether it is the one that must not be there.
pub(super) fn of_value(test: &Test, value: Value<'_>) -> bool {
    match test.op {
        Op::Exists => true,
        op => test
            .operands
            .iter()
            .any(|operand| passes(op, operand, value)),
    }
}

fn passes(op: Op, operand: &Operand, value: Value<'_>) -> bool {
    if let (Value::Number(value), Form::Number(number)) = (value, &operand.form) {
        match op {
            Op::Less => return value < *number,
            Op::LessOrEqual => return value <= *number,
            Op::Greater => return value > *number,
            Op::GreaterOrEqual => return value >= *number,
            _ => {}
        }
    }
    if let Value::Text(value) = value {
        match (op, &operand.form) {
            (Op::Contains, _) => return value.contains(&operand.text),
            (Op::StartsWith, _) => return value.starts_with(&operand.text),
            (Op::EndsWith, _) => return value.ends_with(&operand.text),
            (Op::ContainsAnyCase, Form::Lower(text)) => {
                return value.to_lowercase().contains(text.as_str());
            }
            (Op::Glob | Op::Regex, Form::Regex(regex)) => return regex.is_match(value),
            _ => {}
        }
    }
    operand.equals(value)
}
