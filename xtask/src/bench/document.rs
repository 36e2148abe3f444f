//! docs/overhead.md: a section for each scenario, with the machine it was measured on.

use std::fmt;
use std::fs;

use anyhow::{Context, Result};
use probe_tests::place;

use super::Scenario;
use crate::line::Line;

const FILE: &str = "docs/overhead.md";

/// A measurement as it stands in the file.
pub(super) struct Section {
    name: &'static str,
    machine: String,
    tables: String,
}

impl Section {
    pub(super) fn of(scenario: Scenario, tables: &str) -> Result<Self> {
        let name = match scenario {
            Scenario::Overhead => "Overhead",
            Scenario::Scale => "Connection rates",
            Scenario::Sockets => "Open sockets",
            Scenario::Soak => "Half an hour",
        };
        Ok(Self {
            name,
            machine: machine()?,
            tables: tables.to_owned(),
        })
    }

    /// Takes the place of the section of that name, or the end.
    pub(super) fn write(&self) -> Result<()> {
        let file = place::root().join(FILE);
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        fs::write(&file, replaced(&text, self.name, &self.to_string()))
            .with_context(|| format!("cannot write {}", file.display()))
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "## {}\n\n{}\n\n{}", self.name, self.machine, self.tables)
    }
}

/// The text with one section of level two replaced.
fn replaced(text: &str, name: &str, section: &str) -> String {
    let heading = format!("## {name}\n");
    let Some(start) = text.find(&heading) else {
        return format!("{}\n\n{section}", text.trim_end());
    };
    let rest = &text[start + heading.len()..];
    let rest = rest.find("\n## ").map_or("", |next| &rest[next + 1..]);
    let mut whole = format!("{}{section}", &text[..start]);
    if !rest.is_empty() {
        whole.push('\n');
        whole.push_str(rest);
    }
    whole
}

/// CPU, kernel and day: what figures depend on, and nothing that names a machine.
fn machine() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo").context("cannot read /proc/cpuinfo")?;
    let models: Vec<_> = cpus
        .lines()
        .filter_map(|line| line.strip_prefix("model name"))
        .map(|line| line.trim_start_matches([' ', '\t', ':']))
        .collect();
    let model = models.first().copied().unwrap_or("an unnamed CPU");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")
        .context("cannot read the kernel's release")?;
    let version: String = kernel
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let day = Line::new("date").args(["--utc", "+%F"]).stdout()?;
    Ok(format!(
        "{model}, {} virtual CPUs, Linux {version}, {}.",
        models.len(),
        day.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn one_section_is_replaced_and_the_others_stay() {
        let text = "# T\n\nintro\n\n## A\n\nold\n\n## B\n\nb\n";
        let new = "## A\n\nnew\n";
        assert_eq!(
            replaced(text, "A", new),
            "# T\n\nintro\n\n## A\n\nnew\n\n## B\n\nb\n"
        );
        let last = "## B\n\nnew\n";
        assert_eq!(
            replaced(text, "B", last),
            "# T\n\nintro\n\n## A\n\nold\n\n## B\n\nnew\n"
        );
        assert_eq!(replaced("# T\n", "A", new), "# T\n\n## A\n\nnew\n");
    }
}
