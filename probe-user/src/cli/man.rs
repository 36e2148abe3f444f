//! `probe man`, for who makes packages.

use std::{env, fs, path::PathBuf};

use anyhow::Context as _;
use clap::{Args, Command, CommandFactory as _};
use clap_mangen::{
    Man as Page,
    roff::{Roff, roman},
};
use jiff::{Timestamp, tz::TimeZone};

use super::Cli;

/// What `probe.1` says beside the command line itself.
const SECTIONS: &[(&str, &[(&str, &str)])] = &[
    (
        "EXIT STATUS",
        &[
            ("0", "It did what was asked, until it was told to end."),
            ("1", "It could not: one sentence on stderr says what to do."),
            ("2", "Wrong usage."),
        ],
    ),
    (
        "FILES",
        &[
            (
                "/etc/probe.toml",
                "Settings of `probe run`, unless --config names others.",
            ),
            ("/run/probe.sock", "Where `probe run` serves HTTP."),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            (
                "DOCKER_HOST",
                "The container engine's address, unless --engine says it.",
            ),
            (
                "PROBE_*",
                "Settings of `probe run`, by their names in capitals.",
            ),
            (
                "RUST_LOG",
                "What is logged to stderr, such as probe_user=debug.",
            ),
        ],
    ),
];

/// Write the manual pages of every command into a directory.
#[derive(Args, Debug)]
pub struct Man {
    /// The directory, which is made if need be.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Man {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let shown = self.directory.display();
        let pages = pages(&date(env::var("SOURCE_DATE_EPOCH").ok().as_deref())?)?;
        fs::create_dir_all(&self.directory).with_context(|| format!("cannot make {shown}"))?;
        for (name, text) in pages {
            fs::write(self.directory.join(&name), text)
                .with_context(|| format!("cannot write {shown}/{name}"))?;
        }
        Ok(())
    }
}

/// Today, or the day that reproducible builds say.
fn date(epoch: Option<&str>) -> anyhow::Result<String> {
    let time = match epoch {
        Some(text) => {
            let seconds = text.parse().ok();
            let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
            time.with_context(|| format!("SOURCE_DATE_EPOCH={text} is no time in seconds"))?
        }
        None => Timestamp::now(),
    };
    Ok(time.to_zoned(TimeZone::UTC).date().to_string())
}

/// Every page, by the name of its file.
fn pages(date: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let (name, mut first) = page(command.clone(), date)?;
    first.push_str(&sections().to_roff());
    let commands = command.get_subcommands().cloned();
    let mut pages: Vec<_> = commands
        .map(|verb| page(verb, date))
        .collect::<Result<_, _>>()?;
    pages.push((name, first));
    Ok(pages)
}

fn page(command: Command, date: &str) -> anyhow::Result<(String, String)> {
    // An empty argument is left out of the title line, and the next taken for it: all are given.
    let page = Page::new(command)
        .date(date)
        .source(concat!("probe ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let mut text = Vec::new();
    page.render(&mut text)?;
    // Before the values of an option there is one break too many on either side of an empty line.
    let text = String::from_utf8(text)?.replace("\n.br\n\n.br\n", "\n.sp\n");
    Ok((page.get_filename(), text))
}

fn sections() -> Roff {
    let mut roff = Roff::new();
    for (title, entries) in SECTIONS {
        roff.control("SH", [*title]);
        for (what, meaning) in *entries {
            roff.control("TP", []);
            roff.text([roman(*what)]);
            roff.text([roman(*meaning)]);
        }
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_that_say_so_are_reproducible() {
        assert_eq!(date(Some("0")).unwrap(), "1970-01-01");
        let error = date(Some("today")).unwrap_err().to_string();
        assert_eq!(error, "SOURCE_DATE_EPOCH=today is no time in seconds");
    }
}
