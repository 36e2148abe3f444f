//! Programs from PyPI, in a Python of their own: the system's may be closed to pip.

use std::path::PathBuf;

use probe_tests::place;

use super::{Step, packages};
use crate::line::Line;

/// Packages that are installed together.
pub(super) struct Python {
    /// The directory's name, among the tools.
    pub(super) name: &'static str,
    /// As pip knows them.
    pub(super) packages: &'static [&'static str],
}

impl Python {
    /// Where their programs are.
    pub(super) fn bin(&self) -> PathBuf {
        self.place().join("bin")
    }

    /// Where it all is.
    pub(super) fn place(&self) -> PathBuf {
        place::tools().join(self.name)
    }

    /// What installs them.
    pub(super) fn steps(&self) -> Vec<Step> {
        // Anew, where an earlier try left something.
        let venv = Line::new("python3").args(["-m", "venv", "--clear"]);
        let pip = Line::new(self.bin().join("pip")).args(["install", "--quiet"]);
        vec![
            Step::Run(venv.arg(self.place()).quiet()),
            Step::Run(pip.args(self.packages).quiet()),
        ]
    }

    /// The same where Debian has not come with all of Python.
    pub(super) fn steps_with_venv(&self) -> Vec<Step> {
        let mut steps = vec![packages(&["python3-venv"])];
        steps.extend(self.steps());
        steps
    }
}
