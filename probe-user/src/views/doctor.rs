//! What the probe can know here, as a table.

use comfy_table::{Table, presets::NOTHING};

use crate::doctor::{Finding, Outcome};

/// A line for each, and under the table what is missing and what that costs.
#[must_use]
pub fn table(findings: &[Finding]) -> String {
    let mut table = Table::new();
    table
        .load_preset(NOTHING)
        .set_header(["CAPABILITY", "STATE", "SERVED BY"]);
    let mut missing = Vec::new();
    for finding in findings {
        let (state, by) = match &finding.outcome {
            Outcome::Served { by, .. } => ("ok", by.as_str()),
            Outcome::Missing(reasons) => {
                let cost = if finding.needed {
                    "the probe cannot work without"
                } else {
                    "not known are"
                };
                let reasons = reasons.join("; ");
                missing.push(format!("{cost} {}: {reasons}", finding.gives));
                ("missing", "")
            }
        };
        table.add_row([finding.name, state, by]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    for line in missing {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Loaded;

    #[test]
    fn says_what_serves_and_what_is_missing() {
        let finding = |name, gives, needed, outcome| Finding {
            name,
            gives,
            needed,
            outcome,
        };
        let findings = [
            finding(
                "connections",
                "TCP connections",
                true,
                Outcome::Served {
                    by: "tracepoint inet_sock_set_state".to_owned(),
                    programs: vec![Loaded {
                        name: "inet_sock_set_state",
                        hook: "tracepoint",
                        verified: Some(900),
                    }],
                },
            ),
            finding(
                "calls",
                "UDP and unix sockets",
                false,
                Outcome::Missing(vec!["no tracepoint".to_owned(), "no fexit".to_owned()]),
            ),
            finding(
                "cgroups",
                "the cgroup of every process",
                true,
                Outcome::Missing(vec!["no cgroup v2".to_owned()]),
            ),
        ];
        insta::assert_snapshot!(table(&findings));
    }
}
