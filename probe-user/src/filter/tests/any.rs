//! What holds of any expression, and of any text.

use proptest::prelude::*;

use super::{Sample, parse};
use crate::filter::{Field, Filter, Kind};

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        any::<String>(),
        Just("and".to_owned()),
        Just("\\\"'".to_owned()),
    ]
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn comparison() -> impl Strategy<Value = String> {
    let text = (
        prop::sample::select(&["=", "!=", "contains", "icontains", "startswith", "endswith"][..]),
        word(),
        "[a-z.]{0,5}",
    )
        .prop_map(|(op, word, key)| {
            if key.is_empty() {
                format!("container.name {op} {}", quote(&word))
            } else {
                format!("container.label.{} {op} {}", quote(&key), quote(&word))
            }
        });
    let number = (
        prop::sample::select(&["=", "!=", "<", "<=", ">", ">="][..]),
        any::<u32>(),
    )
        .prop_map(|(op, number)| format!("evt.bytes{op}{number}k"));
    let list = prop::collection::vec(any::<u16>(), 1..4).prop_map(|numbers| {
        let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        format!("fd.sport in ({})", numbers.join(","))
    });
    let net = (any::<u32>(), 0..=32_u8)
        .prop_map(|(address, bits)| format!("fd.net={}/{bits}", std::net::Ipv4Addr::from(address)));
    prop_oneof![text, number, list, net, Just("proc.pid exists".to_owned())]
}

fn expression() -> impl Strategy<Value = String> {
    comparison().prop_recursive(6, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|all| format!("({})", all.join(" and "))),
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|all| format!("({})", all.join(" or "))),
            inner.prop_map(|inner| format!("not {inner}")),
        ]
    })
}

proptest! {
    #[test]
    fn printing_and_parsing_gives_the_same(text in expression()) {
        let filter = parse(&text);
        let printed = filter.to_string();
        let again = parse(&printed);
        prop_assert_eq!(&again, &filter, "{} printed as {}", text, printed);
        prop_assert_eq!(again.to_string(), printed);
        prop_assert_eq!(again.matches(&Sample), filter.matches(&Sample));
    }

    #[test]
    fn not_turns_it_round(text in expression()) {
        let opposite = parse(&format!("not ({text})"));
        prop_assert_ne!(opposite.matches(&Sample), parse(&text).matches(&Sample));
    }

    /// Never is never wrong: what matches something is not said to match nothing.
    #[test]
    fn what_matches_can_match(text in expression()) {
        let filter = parse(&text);
        if filter.matches(&Sample) {
            // The sample has fields of all kinds: leave out what an edge never has.
            let foreign = filter.fields().contains(&Field::ProcPid);
            prop_assert!(foreign || filter.never(Kind::Edge).is_none(), "{}", text);
        }
    }

    #[test]
    fn nothing_panics(text in any::<String>()) {
        let _ = text.parse::<Filter>().map_err(|error| error.to_string());
    }

    /// Strings that are nearly expressions get further in.
    #[test]
    fn no_near_miss_panics(
        words in prop::collection::vec(prop::sample::select(&[
            "proc.name", "proc.pid", "fd.ip", "fd.net", "container.label.", "container.label.x",
            "=", "!=", "<", "in", "(", ")", ",", "and", "or", "not", "exists", "regex", "glob",
            "\"", "'", "\\", "web", "10.0.0.0/8", "5ms", "[", "*", "é", "\n", " ", "\0",
        ][..]), 0..20),
        spaced in any::<bool>(),
    ) {
        let text = words.join(if spaced { " " } else { "" });
        match text.parse::<Filter>() {
            Ok(filter) => {
                let _ = filter.matches(&Sample);
                for kind in Kind::ALL {
                    let _ = filter.never(kind);
                }
                prop_assert_eq!(parse(&filter.to_string()), filter);
            }
            Err(error) => prop_assert!(error.to_string().lines().count() <= 3),
        }
    }
}

#[test]
fn fuzz_filter() {
    const SEEDS: &[&str] = &[
        "proc.name = web and not (fd.port in (80, 443) or fd.ip = 10.0.0.1)",
        "container.label.a.b exists or container.name glob 'w*[a-z]?'",
        "proc.cmdline regex \"^a(b|c)+\\\\d{2,}$\" and evt.type != exec",
        "fd.net = fd00::/8 and proc.pid >= 10k and proc.duration < 5ms",
        "not not ((((proc.name icontains \"\\\"\"))))",
    ];
    crate::fuzz::run(SEEDS, |bytes| {
        match String::from_utf8_lossy(bytes).parse::<Filter>() {
            Ok(filter) => {
                let printed = filter.to_string();
                assert_eq!(parse(&printed), filter, "{printed}");
                let never = Kind::ALL.map(|kind| filter.never(kind).is_some());
                drop(filter.certainties());
                Ok((filter.fields().len(), filter.matches(&Sample), never))
            }
            Err(error) => {
                let told = error.to_string();
                assert!(told.lines().count() <= 3, "{told}");
                // Without what it quotes, which is never the same twice.
                Err(told
                    .chars()
                    .filter(char::is_ascii_alphabetic)
                    .take(40)
                    .collect::<String>())
            }
        }
    });
}
