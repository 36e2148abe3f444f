//! Every field with every operator: which go together, and what they are true of.

use std::{collections::HashMap, net::IpAddr};

use crate::filter::{
    Field, Filter, Record, Value,
    expr::Op,
    field::{TABLE, Type},
};

/// A record that has exactly these values of one field.
struct Has(Field, Vec<Text>);

enum Text {
    Words(&'static str),
    Number(u64),
    Address(IpAddr),
    Flag(bool),
}

impl Record for Has {
    fn each(&self, field: Field, key: &str, tell: &mut dyn FnMut(Value<'_>)) {
        if field == self.0 && (field != Field::ContainerLabel || key == "tier") {
            for value in &self.1 {
                tell(match value {
                    Text::Words(text) => Value::Text(text),
                    Text::Number(number) => Value::Number(*number),
                    Text::Address(address) => Value::Address(*address),
                    Text::Flag(flag) => Value::Flag(*flag),
                });
            }
        }
    }
}

fn address(text: &str) -> Text {
    Text::Address(text.parse().unwrap())
}

/// A value of that type; what follows an operator to be true of it, and what to be false.
fn samples(kind: Type) -> (Text, Vec<(Op, &'static str, &'static str)>) {
    use Op::{
        Contains, ContainsAnyCase, EndsWith, Equal, Exists, Glob, Greater, GreaterOrEqual, In,
        Less, LessOrEqual, NotEqual, Regex, StartsWith,
    };
    let text = vec![
        (Equal, "abcd-EF", "abcd-ef"),
        (NotEqual, "abcd", "abcd-EF"),
        (Contains, "d-E", "d-e"),
        (ContainsAnyCase, "D-e", "D_e"),
        (StartsWith, "abc", "bcd"),
        (EndsWith, "EF", "ef"),
        (Glob, "a?cd*", "a?d*"),
        (Regex, "\"a.+[EF]{2}\"", "\"a.+[ef]{2}\""),
        (In, "(wxyz, abcd-EF)", "(wxyz, efgh)"),
        (Exists, "", ""),
    ];
    let numbers = |small, own, large, list, other| {
        vec![
            (Equal, own, small),
            (NotEqual, small, own),
            (Less, large, own),
            (LessOrEqual, own, small),
            (Greater, small, own),
            (GreaterOrEqual, own, large),
            (In, list, other),
            (Exists, "", ""),
        ]
    };
    let some = |own, other, list, others| {
        vec![
            (Equal, own, other),
            (NotEqual, other, own),
            (In, list, others),
            (Exists, "", ""),
        ]
    };
    match kind {
        Type::Text => (Text::Words("abcd-EF"), text),
        // Its first digits will do.
        Type::Id => {
            let own = text.into_iter().map(|(op, yes, no)| match op {
                NotEqual => (op, "abce", "abcd"),
                _ => (op, yes, no),
            });
            (Text::Words("abcd-EF"), own.collect())
        }
        Type::Number | Type::Bytes => {
            let all = numbers("9999", "10k", "10001", "(1, 10k)", "(1, 2)");
            (Text::Number(10_000), all)
        }
        Type::Time => {
            let all = numbers("4999us", "5ms", "1s", "(1s, 5ms)", "(1s, 2s)");
            (Text::Number(5_000_000), all)
        }
        Type::Address => {
            let all = some(
                "::ffff:10.0.0.2",
                "10.0.0.3",
                "(fd00::1, 10.0.0.2)",
                "(fd00::1)",
            );
            (address("10.0.0.2"), all)
        }
        Type::Net => {
            let all = some(
                "10.0.0.0/30",
                "10.0.0.4/30",
                "(fd00::/8, 10.0.0.0/8)",
                "(fd00::/8)",
            );
            (address("10.0.0.2"), all)
        }
        Type::Flag => (Text::Flag(true), some("true", "false", "(true)", "(false)")),
    }
}

#[test]
fn every_operator_is_true_and_false_of_every_field_or_refused() {
    let all = Op::SYMBOLS.into_iter().chain(Op::WORDS);
    let all: Vec<Op> = all.collect();
    let mut checked = 0;
    for spec in &TABLE {
        let name = match spec.field {
            Field::ContainerLabel => "container.label.tier".to_owned(),
            _ => spec.name.to_owned(),
        };
        let (value, samples) = samples(spec.kind);
        let has = Has(spec.field, vec![value]);
        let none = Has(spec.field, Vec::new());
        let samples: HashMap<&str, _> = samples
            .into_iter()
            .map(|(op, yes, no)| (op.as_str(), (yes, no)))
            .collect();
        for op in &all {
            let op = op.as_str();
            let Some((yes, no)) = samples.get(op) else {
                let refused = format!("{name} {op} 1").parse::<Filter>().unwrap_err();
                let told = refused.to_string();
                assert!(told.contains("does not go with"), "{name} {op}: {told}");
                continue;
            };
            let parse = |operand: &str| -> Filter {
                let text = format!("{name} {op} {operand}");
                text.parse().unwrap_or_else(|error| panic!("{error}"))
            };
            assert!(parse(yes).matches(&has), "{name} {op} {yes}");
            if op == "exists" {
                assert!(!parse("").matches(&none), "{name} of none");
            } else {
                assert!(!parse(no).matches(&has), "{name} {op} {no}");
                // Of nothing only that it is not something is true.
                assert_eq!(parse(yes).matches(&none), op == "!=", "{name} {op}");
            }
            checked += 1;
        }
    }
    // 21 of text, an id, 8 + 2 numbers, a time, 7 addresses, a network, a flag … by their operators.
    let of = |kind| TABLE.iter().filter(|spec| spec.kind == kind).count();
    let texts = of(Type::Text) + of(Type::Id);
    let numbers = of(Type::Number) + of(Type::Bytes) + of(Type::Time);
    let others = of(Type::Address) + of(Type::Net) + of(Type::Flag);
    assert_eq!(checked, 10 * texts + 8 * numbers + 4 * others);
}

/// Of two ends, a comparison means either, and its opposite neither.
#[test]
fn of_several_values_any_will_do_and_none_may_be_what_must_not() {
    let check = |filter: &str, holds: bool| {
        let both = Has(Field::FdIp, vec![address("10.0.0.2"), address("10.0.0.3")]);
        let filter: Filter = filter.parse().unwrap();
        assert_eq!(filter.matches(&both), holds, "{filter}");
    };
    check("fd.ip = 10.0.0.2 and fd.ip = 10.0.0.3", true);
    check("fd.ip = 10.0.0.2 and fd.ip = 10.0.0.4", false);
    check("fd.ip != 10.0.0.2", false);
    check("not fd.ip = 10.0.0.3", false);
    check("fd.ip != 10.0.0.4", true);
    check("not fd.ip in (10.0.0.4, 10.0.0.3)", false);
}
