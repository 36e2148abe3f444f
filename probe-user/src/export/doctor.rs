//! What the probe can know here, as JSON, schema `probe.doctor/v1`.

use serde::Serialize;

use crate::doctor::{Finding, Outcome};

#[derive(Serialize)]
struct WireReport<'a> {
    schema: &'static str,
    /// Whether the main job can be done.
    able: bool,
    kernel: &'a str,
    capabilities: Vec<WireFinding<'a>>,
}

#[derive(Serialize)]
struct WireFinding<'a> {
    name: &'static str,
    gives: &'static str,
    needed: bool,
    served_by: Option<&'a str>,
    programs: Vec<WireProgram>,
    missing: &'a [String],
}

#[derive(Serialize)]
struct WireProgram {
    name: &'static str,
    hook: &'static str,
    /// Null where the kernel does not tell.
    verified_instructions: Option<u32>,
}

/// One document and a line feed. `kernel` is its release.
pub fn text(findings: &[Finding], kernel: &str) -> serde_json::Result<String> {
    let report = WireReport {
        schema: "probe.doctor/v1",
        able: !findings.iter().any(Finding::prevents),
        kernel,
        capabilities: findings.iter().map(wire).collect(),
    };
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}

fn wire(finding: &Finding) -> WireFinding<'_> {
    let (served_by, programs, missing): (_, &[_], &[_]) = match &finding.outcome {
        Outcome::Served { by, programs } => (Some(by.as_str()), programs, &[]),
        Outcome::Missing(reasons) => (None, &[], reasons),
    };
    WireFinding {
        name: finding.name,
        gives: finding.gives,
        needed: finding.needed,
        served_by,
        programs: programs
            .iter()
            .map(|program| WireProgram {
                name: program.name,
                hook: program.hook,
                verified_instructions: program.verified,
            })
            .collect(),
        missing,
    }
}
