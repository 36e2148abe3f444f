//! The grammar.
//!
//! ```text
//! any   = all { "or" all }
//! all   = term { "and" term }
//! term  = "not" term | "(" any ")" | test
//! test  = FIELD "exists" | FIELD "in" "(" VALUE { "," VALUE } ")" | FIELD OPERATOR VALUE
//! ```
//!
//! Once it is clear what must come, nothing else is tried: the first fault found is the one told.

mod word;

use std::ops::Range;

use winnow::{
    LocatingSlice, Parser, Stateful,
    combinator::{alt, opt, preceded, separated},
    error::{ErrMode, ParserError},
    stream::Location as _,
    token::take_while,
};

use super::{
    error::{FilterError, What, nearest_field, nearest_word},
    expr::{Expr, Op, Test},
    field::{Field, Spec, TABLE, Type},
    operand::Operand,
};
use word::{KEYWORDS, ahead, is_bare_char, is_key_char, keyword, quoted, space};
pub(super) use word::{is_bare, is_key};

/// Bytes of an expression: far more than anyone writes, far less than hurts.
const LONGEST: usize = 64 * 1024;
/// Brackets and `not`s within each other; each takes stack.
const DEEPEST: usize = 64;
/// The state is how deep we are.
type Input<'a> = Stateful<LocatingSlice<&'a str>, usize>;
type Parsed<T> = Result<T, ErrMode<Fault>>;

/// What is wrong, and where, in bytes.
#[derive(Debug)]
struct Fault {
    at: Range<usize>,
    what: What,
}

impl<'a> ParserError<Input<'a>> for Fault {
    type Inner = Self;

    fn from_input(input: &Input<'a>) -> Self {
        let start = input.current_token_start();
        Self {
            at: start..start,
            what: What::Junk { nearest: None },
        }
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

fn cut<T>(at: Range<usize>, what: What) -> Parsed<T> {
    Err(ErrMode::Cut(Fault { at, what }))
}

/// All of `text`.
pub(super) fn expression(text: &str) -> Result<Expr, FilterError> {
    let told = |fault: Fault| FilterError::new(text, fault.at, fault.what);
    if text.len() > LONGEST {
        let what = What::TooLong { most: LONGEST };
        return Err(told(Fault { at: 0..0, what }));
    }
    let mut input = Stateful {
        input: LocatingSlice::new(text),
        state: 0,
    };
    let parsed = any_of(&mut input).and_then(|expr| {
        space(&mut input)?;
        end(&mut input)?;
        Ok(expr)
    });
    parsed.map_err(|error| match error {
        ErrMode::Backtrack(fault) | ErrMode::Cut(fault) => told(fault),
        ErrMode::Incomplete(_) => told(Fault::from_input(&input)),
    })
}

fn end(input: &mut Input<'_>) -> Parsed<()> {
    if input.is_empty() {
        return Ok(());
    }
    let (at, found) = ahead(input);
    let what = match found.as_str() {
        ")" => What::Unopened,
        _ => What::Junk {
            nearest: nearest_word(&found, &["and", "or"]),
        },
    };
    cut(at, what)
}

fn any_of(input: &mut Input<'_>) -> Parsed<Expr> {
    separated(1.., all_of, keyword("or"))
        .map(Expr::any)
        .parse_next(input)
}

fn all_of(input: &mut Input<'_>) -> Parsed<Expr> {
    separated(1.., term, keyword("and"))
        .map(Expr::all)
        .parse_next(input)
}

fn term(input: &mut Input<'_>) -> Parsed<Expr> {
    let not = opt(keyword("not").span()).parse_next(input)?;
    if let Some(at) = not {
        let inner = deeper(input, at, term)?;
        return Ok(Expr::Not(Box::new(inner)));
    }
    match opt(preceded(space, '('.span())).parse_next(input)? {
        Some(opened) => brackets(input, opened),
        None => test(input).map(Expr::Test),
    }
}

fn brackets(input: &mut Input<'_>, opened: Range<usize>) -> Parsed<Expr> {
    let inner = deeper(input, opened.clone(), any_of)?;
    space(input)?;
    if opt(')').parse_next(input)?.is_some() {
        return Ok(inner);
    }
    if input.is_empty() {
        return cut(opened, What::Unclosed);
    }
    end(input)?;
    Ok(inner)
}

fn deeper(
    input: &mut Input<'_>,
    at: Range<usize>,
    inner: fn(&mut Input<'_>) -> Parsed<Expr>,
) -> Parsed<Expr> {
    if input.state >= DEEPEST {
        return cut(at, What::TooDeep { most: DEEPEST });
    }
    input.state += 1;
    let parsed = inner(input)?;
    input.state -= 1;
    Ok(parsed)
}

fn test(input: &mut Input<'_>) -> Parsed<Test> {
    space(input)?;
    let (field, key) = field(input)?;
    let op = operator(input, field.spec())?;
    let kind = field.spec().kind;
    let operands = match op {
        Op::Exists => Vec::new(),
        Op::In => list(input, kind)?,
        _ => vec![operand(input, kind, op)?],
    };
    Ok(Test {
        field,
        key,
        op,
        operands,
    })
}

/// A field's name; of a label, also its key.
fn field(input: &mut Input<'_>) -> Parsed<(Field, String)> {
    let (name, at) = take_while(0.., is_key_char).with_span().parse_next(input)?;
    if name.is_empty() {
        let nothing = input.is_empty() && at.start == 0;
        let (at, _) = ahead(input);
        return cut(at, if nothing { What::Empty } else { What::Expected });
    }
    let label = Field::ContainerLabel.spec().name;
    let key = name
        .strip_prefix(label)
        .and_then(|key| key.strip_prefix('.'));
    match key {
        Some("") => match opt(quoted).parse_next(input)? {
            Some(key) if !key.is_empty() => Ok((Field::ContainerLabel, key)),
            _ => cut(at, What::NoKey),
        },
        Some(key) => Ok((Field::ContainerLabel, key.to_owned())),
        None if name == label => cut(at, What::NoKey),
        None if KEYWORDS.contains(&name) => cut(at, What::Expected),
        None => match TABLE.iter().find(|spec| spec.name == name) {
            Some(spec) => Ok((spec.field, String::new())),
            None => cut(
                at,
                What::Field {
                    name: name.to_owned(),
                    nearest: nearest_field(name),
                },
            ),
        },
    }
}

fn operator(input: &mut Input<'_>, spec: &'static Spec) -> Parsed<Op> {
    space(input)?;
    let symbol = alt(("==".value(Op::Equal), move |input: &mut Input<'_>| {
        first(&Op::SYMBOLS, input)
    }));
    if let Some((op, at)) = opt(symbol.with_span()).parse_next(input)? {
        return fitting(op, at, spec);
    }
    let word = take_while(1.., |char: char| char.is_alphanumeric() || char == '_');
    let word = opt(word.with_span()).parse_next(input)?;
    let known = word.as_ref().and_then(|(word, at)| {
        let op = Op::WORDS.into_iter().find(|op| op.as_str() == *word)?;
        Some((op, at.clone()))
    });
    if let Some((op, at)) = known {
        return fitting(op, at, spec);
    }
    let (at, found) = match word {
        Some((word, at)) => (at, word.to_owned()),
        None => ahead(input),
    };
    let words = Op::WORDS.map(Op::as_str);
    let nearest = nearest_word(&found, &words);
    cut(
        at,
        What::Operator {
            field: spec.written(),
            nearest,
        },
    )
}

fn first(ops: &[Op], input: &mut Input<'_>) -> Parsed<Op> {
    for op in ops {
        if opt(op.as_str()).parse_next(input)?.is_some() {
            return Ok(*op);
        }
    }
    Err(ErrMode::from_input(input))
}

/// Whether values of that type can be compared so.
fn fitting(op: Op, at: Range<usize>, spec: &'static Spec) -> Parsed<Op> {
    let fits = match spec.kind {
        Type::Number | Type::Bytes | Type::Time => !op.searches(),
        Type::Text | Type::Id => !op.orders(),
        Type::Address | Type::Net | Type::Flag => !op.orders() && !op.searches(),
    };
    if fits {
        return Ok(op);
    }
    cut(
        at,
        What::Unfit {
            op: op.as_str(),
            field: spec.written(),
            kind: spec.kind,
        },
    )
}

fn list(input: &mut Input<'_>, kind: Type) -> Parsed<Vec<Operand>> {
    let opened = opt(preceded(space, '('.span())).parse_next(input)?;
    let Some(opened) = opened else {
        let (at, _) = ahead(input);
        return cut(at, What::NoList);
    };
    let item = |input: &mut Input<'_>| operand(input, kind, Op::In);
    let items = separated(1.., item, preceded(space, ',')).parse_next(input)?;
    space(input)?;
    if opt(')').parse_next(input)?.is_some() {
        return Ok(items);
    }
    if input.is_empty() {
        return cut(opened, What::Unclosed);
    }
    let (at, _) = ahead(input);
    cut(at, What::List)
}

fn operand(input: &mut Input<'_>, kind: Type, op: Op) -> Parsed<Operand> {
    space(input)?;
    let start = input.current_token_start();
    let bare = take_while(1.., is_bare_char).map(str::to_owned);
    let quoted = opt(quoted).parse_next(input)?;
    let text = match quoted {
        Some(text) => text,
        None => match opt(bare.with_span()).parse_next(input)? {
            Some((word, at)) if KEYWORDS.contains(&word.as_str()) => {
                return cut(at, What::Keyword { word });
            }
            Some((word, _)) => word,
            None => {
                let (at, _) = ahead(input);
                return cut(at, What::NoValue { kind });
            }
        },
    };
    let at = start..input.previous_token_end();
    Operand::new(text, kind, op).or_else(|what| cut(at, what))
}
