//! `deploy/`, each file by who reads it, or by that one's schema; and what shells read.

use std::fs;

use anyhow::{Context, Result};
use probe_tests::place;

use crate::line::Line;
use crate::need::{self, Need, deploy};
use crate::{machine, say};

/// What a shell reads.
const SCRIPTS: &[&str] = &[
    ".ci/run",
    "deploy/docker-run.sh",
    "xtask/src/matrix/guest.sh",
];

/// Where the unit says that the probe is.
const INSTALLED: &str = "/usr/local/bin/probe";

/// The lines that check them, as far as what they need can be had here.
pub(super) fn lines() -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    if can(&deploy::SHELLCHECK) {
        lines.push(Line::new(found("shellcheck")).args(SCRIPTS));
    }
    if can(&deploy::SYSTEMD) {
        lines.push(unit()?);
    }
    if can(&deploy::COMPOSE) {
        let compose = deploy::compose().context("it was there")?;
        let config = ["--file", "deploy/compose.yaml", "config", "--quiet"];
        lines.push(Line::new(compose).args(config));
    }
    if can(&deploy::SCHEMAS) {
        let program = |name: &str| Line::new(deploy::schemas().join("bin").join(name));
        lines.extend([
            // The specification as it is now, of which the Compose above may know less.
            program("check-jsonschema")
                .args(["--quiet", "--builtin-schema", "vendor.compose-spec"])
                .arg("deploy/compose.yaml"),
            program("kubernetes-validate").args(["--strict", "--quiet", "deploy/kubernetes.yaml"]),
            program("python").args([
                "xtask/src/check/task_definition.py",
                "deploy/ecs-daemon.json",
            ]),
        ]);
    }
    Ok(lines)
}

/// Whether that is to be had; if not, it is said.
fn can(need: &Need) -> bool {
    let met = need::meet(&[need]);
    if let Err(error) = &met {
        say::progress(format_args!("deploy/ is not checked in full: {error:#}"));
    }
    met.is_ok()
}

/// systemd wants the program to be there: it reads a copy that names another.
fn unit() -> Result<Line> {
    let unit = fs::read_to_string(place::root().join("deploy/probe.service"))
        .context("cannot read deploy/probe.service")?;
    let copy = place::target().join("check/probe.service");
    let directory = copy.parent().context("it has no directory")?;
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(&copy, unit.replace(INSTALLED, "/bin/sh")))
        .with_context(|| format!("cannot write {}", copy.display()))?;
    let analyze = Line::new(found("systemd-analyze"));
    Ok(analyze
        // Of other units, and of manual pages, a machine may lack what it likes.
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .arg(copy))
}

fn found(name: &str) -> std::path::PathBuf {
    machine::program(name).unwrap_or_else(|| name.into())
}
