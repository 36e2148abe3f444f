//! `probe filter`, and `--filter`, the same in every command.

pub(super) mod kernel;

use anyhow::{anyhow, bail};
use clap::{Args, ValueEnum};

use super::{Trouble, print};
use crate::{
    filter::{Filter, Kind},
    views::fields,
};

/// What is shown of all there is.
#[derive(Args, Clone, Debug)]
pub struct FilterArgs {
    /// Show only what this is true of, such as 'container.name = web and fd.port != 80'; `probe
    /// filter --list` shows the fields.
    #[arg(long, value_name = "EXPR")]
    filter: Option<Filter>,
}

impl FilterArgs {
    /// The filter, if there is one, for records of this kind.
    ///
    /// # Errors
    /// When none of them can ever match it.
    pub(super) fn of(&self, kind: Kind) -> anyhow::Result<Option<&Filter>> {
        let filter = self.filter.as_ref();
        if let Some(why) = filter.and_then(|filter| filter.never(kind)) {
            let error = anyhow!("the filter can never match: {why}");
            return Err(Trouble(error).into());
        }
        Ok(filter)
    }
}

/// Check a filter and print it as one would write it, or list the fields of filters.
#[derive(Args, Debug)]
pub struct FilterCommand {
    /// The filter to check.
    #[arg(
        value_name = "EXPR",
        required_unless_present = "list",
        conflicts_with = "list"
    )]
    expression: Option<Filter>,

    /// List every field: its name, its type, which records have it, and what it is.
    #[arg(long)]
    list: bool,

    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// How fields and filters are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// A line each.
    Table,
    /// One document, schema probe.fields/v1 or probe.filter/v1.
    Json,
}

impl FilterCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Some(filter) = self.expression else {
            return print(&match self.output {
                Output::Table => fields::table(),
                Output::Json => fields::json()?,
            });
        };
        let never = Kind::ALL.map(|kind| filter.never(kind));
        if never.iter().all(Option::is_some) {
            // Where it contradicts itself, what else a kind lacks is of no use.
            let reasons = never.iter().flatten();
            let own = reasons
                .clone()
                .find(|reason| reason.contains("contradicts"));
            let all = || reasons.cloned().collect::<Vec<_>>().join(", ");
            let why = own.cloned().unwrap_or_else(all);
            bail!("the filter can never match: {why}");
        }
        print(&match self.output {
            Output::Table => fields::checked(&filter, &never),
            Output::Json => fields::checked_json(&filter, &never)?,
        })
    }
}
