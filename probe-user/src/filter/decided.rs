//! What an expression comes to where only some fields of a record are known.

use super::{Field, Record, expr::Expr, matching};

/// Whether it is true; `None` where that depends on what is not known.
pub(super) fn decided(
    expr: &Expr,
    record: &impl Record,
    known: &impl Fn(Field) -> bool,
) -> Option<bool> {
    match expr {
        Expr::And(parts) => unless_one_is(false, parts, |part| decided(part, record, known)),
        Expr::Or(parts) => unless_one_is(true, parts, |part| decided(part, record, known)),
        Expr::Not(inner) => decided(inner, record, known).map(|holds| !holds),
        Expr::Test(test) => known(test.field).then(|| matching::holds(expr, record)),
    }
}

/// One part that is `decisive` is enough, whatever the others are; else all must be known.
fn unless_one_is(
    decisive: bool,
    parts: &[Expr],
    decided: impl Fn(&Expr) -> Option<bool>,
) -> Option<bool> {
    let mut all = Some(!decisive);
    for part in parts {
        match decided(part) {
            Some(holds) if holds == decisive => return Some(decisive),
            Some(_) => {}
            None => all = None,
        }
    }
    all
}

/// Whether these fields alone, whatever is in them, may make it `outcome`.
pub(super) fn decides(expr: &Expr, outcome: bool, known: &impl Fn(Field) -> bool) -> bool {
    match (expr, outcome) {
        (Expr::And(parts), false) | (Expr::Or(parts), true) => {
            parts.iter().any(|part| decides(part, outcome, known))
        }
        (Expr::And(parts) | Expr::Or(parts), _) => {
            parts.iter().all(|part| decides(part, outcome, known))
        }
        (Expr::Not(inner), outcome) => decides(inner, !outcome, known),
        (Expr::Test(test), _) => known(test.field),
    }
}
