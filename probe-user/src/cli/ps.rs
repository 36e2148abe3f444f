//! `probe ps`.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use tracing::warn;

use super::{engines::EngineArgs, filter::FilterArgs, print};
use crate::{
    agent::hostname,
    export::processes as json,
    filter::{Filter, Kind, of::ProcessRecord},
    identity::{CgroupMount, Directory, engines::Engines, process},
    views::processes::{self, Row},
};

/// Engines that have not answered by then are not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// List processes with their containers.
#[derive(Args, Debug)]
pub struct Ps {
    #[command(flatten)]
    engines: EngineArgs,
    #[command(flatten)]
    filter: FilterArgs,

    /// Only processes of containers.
    #[arg(long)]
    containers: bool,

    /// How to print them.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,

    /// Processes to print; all by default.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// How processes are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// A process a line.
    Table,
    /// One document, schema probe.ps/v1.
    Json,
}

impl Ps {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let filter = self.filter.of(Kind::Process)?;
        let directory = Arc::new(Directory::default());
        let mut engines = Engines::follow(&self.engines.addresses()?, &directory);
        directory.scan(&CgroupMount::find()?)?;
        if tokio::time::timeout(PATIENCE, engines.tried())
            .await
            .is_err()
        {
            warn!("an engine does not answer: its containers appear by id");
        }
        let host = hostname();
        let listing = process::list().context("cannot list processes from /proc")?;
        if listing.refused > 0 {
            let (refused, most) = (listing.refused, process::MAX_PROCESSES);
            warn!("{refused} processes are left out: at most {most} are listed");
        }
        let rows = listing
            .processes
            .into_iter()
            .map(|process| Row::new(process, &directory))
            .filter(|row| !self.containers || row.container.is_some())
            .filter(|row| Filter::admits(filter, &ProcessRecord::new(row, &host)))
            .take(self.limit.unwrap_or(usize::MAX));
        let text = match self.output {
            Output::Table => processes::table(rows),
            Output::Json => json::text(rows)?,
        };
        engines.end().await;
        print(&text)
    }
}
