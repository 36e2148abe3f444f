//! A command line as a value: it can be shown to a person and it can be run.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use probe_tests::place;

/// What cargo and rustup tell the programs they start. A second cargo must not hear it, or it
/// would take the first one's toolchain for its own.
const OF_THE_OUTER_CARGO: &[&str] = &[
    "CARGO",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "RUSTC",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "RUST_RECURSION_COUNT",
];

/// What cargo tells `cargo run`'s program of its package. Build scripts ask for the same of theirs, and
/// would run again after each build that was called by hand.
const OF_THE_OUTER_PACKAGE: &[&str] = &[
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// A program, its arguments and what its environment has on top of ours.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(&'static str, Option<OsString>)>,
    directory: PathBuf,
    quiet: bool,
}

impl Line {
    /// A program, looked for in `PATH` if it is a bare name.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            directory: place::root().to_owned(),
            quiet: false,
        }
    }

    /// The cargo that runs us, in our toolchain, with the caller's flags.
    pub(crate) fn cargo() -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self::new(cargo).without(OF_THE_OUTER_PACKAGE)
    }

    /// Another toolchain's program: it hears nothing of the cargo that runs us.
    pub(crate) fn of_another_toolchain(program: impl AsRef<OsStr>) -> Self {
        Self::new(program).without(OF_THE_OUTER_CARGO)
    }

    fn without(self, names: &[&'static str]) -> Self {
        names.iter().fold(self, |line, name| line.without_env(name))
    }

    /// Adds one argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds several arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name, Some(value.as_ref().to_owned())));
        self
    }

    /// Takes a variable out of the environment.
    pub(crate) fn without_env(mut self, name: &'static str) -> Self {
        self.env.push((name, None));
        self
    }

    /// Runs it in another directory than the workspace's root.
    pub(crate) fn at(mut self, directory: &Path) -> Self {
        directory.clone_into(&mut self.directory);
        self
    }

    /// Keeps the output back, and shows it only if the command fails.
    pub(crate) fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Runs it and fails unless it succeeds.
    pub(crate) fn run(&self) -> Result<()> {
        if self.quiet {
            return self.stdout().map(drop);
        }
        let status = self.status()?;
        if !status.success() {
            bail!("`{self}` failed: {status}");
        }
        Ok(())
    }

    /// Runs it, however it ends.
    pub(crate) fn status(&self) -> Result<ExitStatus> {
        self.command()
            .status()
            .with_context(|| format!("cannot start `{self}`"))
    }

    /// Runs it and gives what it printed; its errors are part of ours.
    pub(crate) fn stdout(&self) -> Result<String> {
        let output = self
            .command()
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start `{self}`"))?;
        let stdout = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            bail!("`{self}` failed: {}\n{stdout}{stderr}", output.status);
        }
        Ok(stdout.into_owned())
    }

    /// The command, for whoever wants more than to run it and wait.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.directory);
        if std::env::var_os("CARGO_TARGET_DIR").is_some() {
            // It may be relative to where we were called.
            command.env("CARGO_TARGET_DIR", place::target());
        }
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }
}

/// As one would type it in a shell.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            if let Some(value) = value {
                write!(f, "{name}={} ", quoted(value))?;
            }
        }
        // The cargo that runs us is known by its full path; nobody types that.
        let program = PathBuf::from(&self.program);
        match program.file_name() {
            Some(name) if name == "cargo" => write!(f, "cargo")?,
            _ => write!(f, "{}", program.display())?,
        }
        for arg in &self.args {
            write!(f, " {}", quoted(arg))?;
        }
        Ok(())
    }
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+.,:/@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::Line;

    fn check(line: &Line, shown: &str) {
        assert_eq!(line.to_string(), shown);
    }

    #[test]
    fn shown_as_typed() {
        check(
            &Line::new("apt-get").args(["install", "g++"]),
            "apt-get install g++",
        );
        check(
            &Line::new("/x/bin/cargo")
                .env("RUSTFLAGS", "-D warnings")
                .arg("it's"),
            r"RUSTFLAGS='-D warnings' cargo 'it'\''s'",
        );
        check(&Line::of_another_toolchain("rustc").arg(""), "rustc ''");
    }
}
