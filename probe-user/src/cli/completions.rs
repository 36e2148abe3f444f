//! `probe completions`.

use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::aot;

use super::{Cli, print};

/// Print what lets a shell complete this command line.
#[derive(Args, Debug)]
#[command(after_help = "\
bash: probe completions bash > /usr/share/bash-completion/completions/probe
zsh:  probe completions zsh > /usr/local/share/zsh/site-functions/_probe
fish: probe completions fish > /etc/fish/completions/probe.fish")]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

/// Shells that can be told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Shell {
    /// With or without bash-completion.
    Bash,
    /// As a function of its completion system.
    Zsh,
    /// As one of its own.
    Fish,
}

impl Completions {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        print(&self.shell.script()?)
    }
}

impl Shell {
    fn script(self) -> anyhow::Result<String> {
        let shell = match self {
            Self::Bash => aot::Shell::Bash,
            Self::Zsh => aot::Shell::Zsh,
            Self::Fish => aot::Shell::Fish,
        };
        // Into memory first: it panics where it cannot write.
        let mut script = Vec::new();
        aot::generate(shell, &mut Cli::command(), "probe", &mut script);
        Ok(String::from_utf8(script)?)
    }
}
