//! Prometheus's text format, 0.0.4.

use std::fmt::Write as _;

use super::family::{Families, Family, Kind, Sample, Value};

/// All metrics.
pub(super) fn text(families: &Families) -> String {
    let mut text = String::new();
    for family in &families.0 {
        write(family, &mut text);
    }
    text
}

// Writing to a String cannot fail.
fn write(family: &Family, text: &mut String) {
    let Family { name, help, .. } = family;
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
    };
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    for Sample { labels, value } in &family.samples {
        text.push_str(name);
        let mut before = '{';
        for (name, value) in labels {
            let _ = write!(text, "{before}{name}=\"");
            for char in value.chars() {
                match char {
                    '\\' => text.push_str("\\\\"),
                    '"' => text.push_str("\\\""),
                    '\n' => text.push_str("\\n"),
                    char => text.push(char),
                }
            }
            text.push('"');
            before = ',';
        }
        if before == ',' {
            text.push('}');
        }
        let _ = match value {
            Value::Whole(value) => writeln!(text, " {value}"),
            Value::Real(value) => writeln!(text, " {value}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_empty_ones_left_out() {
        let mut families = Families::default();
        let mut metric = families.metric("probe_things_total", Kind::Counter, "Things.");
        metric.sample(&[("a", "x\"y\\z\n"), ("b", ""), ("c", "é")], 3_u64);
        metric.sample(&[("b", "")], 0.5);
        families
            .metric("probe_more", Kind::Gauge, "More.")
            .is(7_u64);
        insta::assert_snapshot!(text(&families), @r#"
        # HELP probe_things_total Things.
        # TYPE probe_things_total counter
        probe_things_total{a="x\"y\\z\n",c="é"} 3
        probe_things_total 0.5
        # HELP probe_more More.
        # TYPE probe_more gauge
        probe_more 7
        "#);
    }
}
