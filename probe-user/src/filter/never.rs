//! Filters that nothing can match: told, instead of showing nothing for ever.
//!
//! The expression becomes alternatives, each a set of comparisons that must all hold; what cannot
//! hold together is looked for field by field. It finds contradictions, not all of them: what it
//! does not see through, it lets pass.

use super::{
    Value,
    expr::{Expr, Op, Test},
    field::{Arity, Kind},
    matching::of_value,
    operand::Form,
};

/// Alternatives looked at; a filter with more is let pass.
const MOST: usize = 1024;

/// A comparison, and whether it must hold or must not.
#[derive(Clone, Copy)]
struct Literal<'a> {
    test: &'a Test,
    holds: bool,
}

pub(super) fn reason(expr: &Expr, kind: Kind) -> Option<String> {
    let mut first = None;
    for all in alternatives(expr, true)? {
        // One that can hold is enough.
        let why = contradiction(&all, kind)?;
        first.get_or_insert(why);
    }
    first
}

/// `None` when there are too many.
fn alternatives(expr: &Expr, holds: bool) -> Option<Vec<Vec<Literal<'_>>>> {
    match (expr, holds) {
        (Expr::Test(test), holds) => {
            let turned = test.op == Op::NotEqual;
            Some(vec![vec![Literal {
                test,
                holds: holds != turned,
            }]])
        }
        (Expr::Not(inner), holds) => alternatives(inner, !holds),
        (Expr::Or(parts), true) | (Expr::And(parts), false) => {
            let mut any = Vec::new();
            for part in parts {
                any.extend(alternatives(part, holds)?);
                if any.len() > MOST {
                    return None;
                }
            }
            Some(any)
        }
        (Expr::And(parts), true) | (Expr::Or(parts), false) => {
            let mut all = vec![Vec::new()];
            for part in parts {
                let next = alternatives(part, holds)?;
                if all.len() * next.len() > MOST {
                    return None;
                }
                all = all
                    .iter()
                    .flat_map(|before| next.iter().map(move |after| [&before[..], after].concat()))
                    .collect();
            }
            Some(all)
        }
    }
}

fn contradiction(all: &[Literal<'_>], kind: Kind) -> Option<String> {
    all.iter().find_map(|literal| {
        let spec = literal.test.field.spec();
        let arity = spec.arity(kind);
        if !literal.holds {
            return None;
        }
        if arity == Arity::Never {
            return Some(format!("{} has no {}", kind.noun(), spec.written()));
        }
        let beside: Vec<_> = all
            .iter()
            .filter(|other| {
                other.test.field == literal.test.field && other.test.key == literal.test.key
            })
            .collect();
        let passes = |value: Value<'_>| {
            // Of several values each comparison may mean another; what must not hold is of all.
            let same = |other: &&&Literal<'_>| arity == Arity::One || !other.holds;
            let mut of_same = beside.iter().filter(same);
            of_same.all(|other| of_value(other.test, value) == other.holds)
        };
        let impossible = match candidates(literal.test) {
            Some(values) => !values.into_iter().any(passes),
            None => forbidden(&beside) || (arity == Arity::One && no_number(&beside)),
        };
        impossible.then(|| format!("what is asked of {} contradicts itself", name(literal.test)))
    })
}

/// It must be there, and must not.
fn forbidden(beside: &[&Literal<'_>]) -> bool {
    beside
        .iter()
        .any(|other| !other.holds && other.test.op == Op::Exists)
}

/// All values that a comparison lets through, if they can be told.
fn candidates(test: &Test) -> Option<Vec<Value<'_>>> {
    match test.op {
        Op::Equal | Op::NotEqual | Op::In => test
            .operands
            .iter()
            .map(super::operand::Operand::value)
            .collect(),
        _ => None,
    }
}

/// Whether no number is within all bounds.
fn no_number(beside: &[&Literal<'_>]) -> bool {
    let (mut low, mut high) = (0_u64, u64::MAX);
    for literal in beside {
        let Some(Form::Number(number)) = literal.test.operands.first().map(|o| &o.form) else {
            continue;
        };
        let number = *number;
        let op = match (literal.test.op, literal.holds) {
            (Op::Less, true) | (Op::GreaterOrEqual, false) => Op::Less,
            (Op::LessOrEqual, true) | (Op::Greater, false) => Op::LessOrEqual,
            (Op::Greater, true) | (Op::LessOrEqual, false) => Op::Greater,
            (Op::GreaterOrEqual, true) | (Op::Less, false) => Op::GreaterOrEqual,
            _ => continue,
        };
        match op {
            Op::Less if number == 0 => return true,
            Op::Less => high = high.min(number - 1),
            Op::LessOrEqual => high = high.min(number),
            Op::Greater if number == u64::MAX => return true,
            Op::Greater => low = low.max(number + 1),
            _ => low = low.max(number),
        }
    }
    low > high
}

fn name(test: &Test) -> String {
    let name = test.field.spec().name;
    if test.key.is_empty() {
        name.to_owned()
    } else {
        format!("{name}.{}", test.key)
    }
}
