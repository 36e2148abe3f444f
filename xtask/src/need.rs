//! What a verb needs of the machine, as values: how it is called, how one sees that it is there,
//! and the ways to get it.
//!
//! Seeing is looking at files, never starting programs: when nothing is missing it takes no time.

mod apt;
pub(crate) mod bpf;
pub(crate) mod cross;
pub(crate) mod deploy;
pub(crate) mod engine;
pub(crate) mod kernel;
pub(crate) mod lint;
mod python;
pub(crate) mod read;
pub(crate) mod vm;

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};

use probe_tests::debian;

use crate::line::Line;
use crate::say;

/// Something a verb cannot do without.
pub(crate) struct Need {
    /// What a person calls it.
    pub(crate) name: &'static str,
    /// Whether it is there.
    pub(crate) met: fn() -> bool,
    /// How to get it, best first.
    pub(crate) ways: &'static [Way],
    /// What to type where no way is open to us; each is one command.
    pub(crate) by_hand: &'static [&'static str],
}

/// One way to meet a need.
pub(crate) struct Way {
    /// Whether this machine and user can go it.
    pub(crate) open: fn() -> bool,
    /// What to do, in this order.
    pub(crate) steps: fn() -> Result<Vec<Step>>,
}

/// One step of a way.
pub(crate) enum Step {
    /// Install Debian packages.
    Packages(Vec<String>),
    /// Unpack Debian packages for the images, and install nothing.
    Unpack(Vec<String>),
    /// Extract one package of another of Debian's suites into a directory.
    Extract {
        suite: &'static str,
        package: &'static str,
        root: PathBuf,
    },
    /// Run a command.
    Run(Line),
}

/// The step that installs these packages.
fn packages(names: &[&str]) -> Step {
    Step::Packages(names.iter().copied().map(str::to_owned).collect())
}

/// Meets the needs in their order: a later one may build on an earlier one.
pub(crate) fn meet(needs: &[&Need]) -> Result<()> {
    let stuck: Vec<&Need> = needs
        .iter()
        .filter(|need| !(need.met)() && !need.ways.iter().any(|way| (way.open)()))
        .copied()
        .collect();
    // Said at once and for all: nobody wants to learn of them one by one.
    if !stuck.is_empty() {
        let names: Vec<_> = stuck.iter().map(|need| need.name).collect();
        let commands: Vec<_> = stuck
            .iter()
            .flat_map(|need| need.by_hand)
            .map(|command| format!("`{command}`"))
            .collect();
        bail!(
            "{} missing here: run {}",
            names.join(", "),
            commands.join(", then ")
        );
    }
    needs.iter().try_for_each(|need| need.meet())
}

impl Need {
    fn meet(&self) -> Result<()> {
        if (self.met)() {
            return Ok(());
        }
        let mut failures = Vec::new();
        for way in self.ways.iter().filter(|way| (way.open)()) {
            match way.go(self.name) {
                Ok(()) if (self.met)() => return Ok(()),
                Ok(()) => failures.push(anyhow!("was installed, and still is not there")),
                Err(error) => failures.push(error),
            }
        }
        let reasons: Vec<_> = failures.iter().map(|error| format!("{error:#}")).collect();
        bail!("cannot get {}: {}", self.name, reasons.join("; "))
    }
}

impl Way {
    fn go(&self, name: &str) -> Result<()> {
        for step in (self.steps)()? {
            say::progress(format_args!("getting {name}: {step}"));
            step.take()?;
        }
        Ok(())
    }
}

impl Step {
    fn take(&self) -> Result<()> {
        match self {
            Self::Packages(names) => apt::install(names),
            Self::Unpack(names) => apt::unpack(names, &debian::unpacked()),
            Self::Extract {
                suite,
                package,
                root,
            } => apt::extract_of(suite, package, root),
            Self::Run(line) => line.run(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packages(names) => write!(f, "apt-get install {}", names.join(" ")),
            Self::Unpack(names) => write!(
                f,
                "unpacking {} into {}",
                names.join(" "),
                debian::unpacked().display()
            ),
            Self::Extract {
                suite,
                package,
                root,
            } => {
                let root = root.display();
                write!(f, "extracting Debian {suite}'s {package} into {root}")
            }
            Self::Run(line) => line.fmt(f),
        }
    }
}
