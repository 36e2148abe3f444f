//! Prometheus's text format, 0.0.4.

use std::fmt::{Display, Write as _};

/// What a metric is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Only grows while the agent runs.
    Counter,
    /// Comes and goes.
    Gauge,
}

/// A text under way.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// Begins a metric: all its samples follow.
    pub(super) fn metric<'a>(
        &'a mut self,
        name: &'static str,
        kind: Kind,
        help: &str,
    ) -> Metric<'a> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.push(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        Metric { text: self, name }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    fn push(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.0.write_fmt(arguments);
    }
}

/// A metric that takes samples.
#[derive(Debug)]
pub(super) struct Metric<'a> {
    text: &'a mut Text,
    name: &'static str,
}

impl Metric<'_> {
    /// The only one.
    pub(super) fn is(self, value: impl Display) {
        self.text.push(format_args!("{} {value}\n", self.name));
    }

    /// One of several. A label without a value is left out: to Prometheus that is the same.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.text.push(format_args!("{}", self.name));
        let labels = labels.iter().filter(|(_, value)| !value.is_empty());
        let mut before = '{';
        for (name, value) in labels {
            self.text.push(format_args!("{before}{name}=\""));
            for char in value.chars() {
                match char {
                    '\\' => self.text.0.push_str("\\\\"),
                    '"' => self.text.0.push_str("\\\""),
                    '\n' => self.text.0.push_str("\\n"),
                    char => self.text.0.push(char),
                }
            }
            self.text.0.push('"');
            before = ',';
        }
        if before == ',' {
            self.text.0.push('}');
        }
        self.text.push(format_args!(" {value}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_empty_ones_left_out() {
        let mut text = Text::default();
        let mut metric = text.metric("probe_things_total", Kind::Counter, "Things.");
        metric.sample(&[("a", "x\"y\\z\n"), ("b", ""), ("c", "é")], 3);
        metric.sample(&[("b", "")], 0.5);
        text.metric("probe_more", Kind::Gauge, "More.").is(7);
        insta::assert_snapshot!(text.finish(), @r#"
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
