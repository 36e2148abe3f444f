//! Expressions as text.

use std::fmt::{Formatter, Result, Write as _};

use super::{
    expr::{Expr, Op, Test},
    parse::{is_bare, is_key},
};

pub(super) fn write(expr: &Expr, f: &mut Formatter<'_>) -> Result {
    match expr {
        Expr::Or(parts) => joined(parts, " or ", f, write),
        Expr::And(parts) => joined(parts, " and ", f, |part, f| match part {
            Expr::Or(_) => bracketed(part, f),
            _ => write(part, f),
        }),
        Expr::Not(inner) => {
            f.write_str("not ")?;
            match &**inner {
                Expr::Or(_) | Expr::And(_) => bracketed(inner, f),
                _ => write(inner, f),
            }
        }
        Expr::Test(test) => comparison(test, f),
    }
}

fn bracketed(expr: &Expr, f: &mut Formatter<'_>) -> Result {
    f.write_char('(')?;
    write(expr, f)?;
    f.write_char(')')
}

fn joined(
    parts: &[Expr],
    word: &str,
    f: &mut Formatter<'_>,
    each: fn(&Expr, &mut Formatter<'_>) -> Result,
) -> Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        each(part, f)?;
    }
    Ok(())
}

fn comparison(test: &Test, f: &mut Formatter<'_>) -> Result {
    f.write_str(test.field.spec().name)?;
    if !test.key.is_empty() {
        f.write_char('.')?;
        word(&test.key, is_key, f)?;
    }
    f.write_char(' ')?;
    f.write_str(test.op.as_str())?;
    match (test.op, test.operands.as_slice()) {
        (Op::Exists, _) => Ok(()),
        (Op::In, operands) => {
            f.write_str(" (")?;
            for (index, operand) in operands.iter().enumerate() {
                if index > 0 {
                    f.write_str(", ")?;
                }
                word(&operand.text, is_bare, f)?;
            }
            f.write_char(')')
        }
        (_, operands) => operands.iter().try_for_each(|operand| {
            f.write_char(' ')?;
            word(&operand.text, is_bare, f)
        }),
    }
}

/// In quotes where it must be.
fn word(text: &str, bare: fn(&str) -> bool, f: &mut Formatter<'_>) -> Result {
    if bare(text) {
        return f.write_str(text);
    }
    f.write_char('"')?;
    for char in text.chars() {
        if matches!(char, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(char)?;
    }
    f.write_char('"')
}
