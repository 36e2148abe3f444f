//! `probe ps`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    Trouble,
    ecs::EcsArgs,
    engines::EngineArgs,
    filter::FilterArgs,
    print,
    remote::{TrustArgs, remote},
};
use crate::{
    agent::machine::hostname,
    export::processes as json,
    filter::{Field, Filter, Kind, of::ProcessRecord},
    identity::{CgroupMount, Directory, Ecs, engines::Engines, process},
    remote::AgentAddress,
    views::processes::{self, Row},
};

/// Engines that have not answered by then are not waited for. Podman takes a second or two.
const PATIENCE: Duration = Duration::from_secs(5);
/// Nor is ECS, where a filter asks for what it knows.
const PATIENCE_ECS: Duration = Duration::from_secs(15);
/// What an agent's list does not tell of containers.
const UNTOLD: [Field; 7] = [
    Field::ContainerLabel,
    Field::ContainerIp,
    Field::EcsCluster,
    Field::EcsService,
    Field::EcsTask,
    Field::EcsFamily,
    Field::EcsContainer,
];

/// List processes with their containers.
#[derive(Args, Debug)]
pub struct Ps {
    #[command(flatten)]
    engines: EngineArgs,
    #[command(flatten)]
    ecs: EcsArgs,
    #[command(flatten)]
    filter: FilterArgs,

    /// Ask the agent that runs there: http[s]://HOST:PORT, or a unix socket's path.
    #[arg(long, value_name = "URL|SOCKET", conflicts_with = "engine")]
    agent: Option<AgentAddress>,

    /// The agent's token is the first in this file.
    #[arg(long, value_name = "FILE", requires = "agent")]
    token_file: Option<PathBuf>,

    #[command(flatten)]
    trust: TrustArgs,

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
        // What is wrong with it is said before anything is asked.
        let filter = self.filter.of(Kind::Process)?;
        if self.agent.is_some()
            && let Some(field) = filter.and_then(untold)
        {
            let name = field.spec().written();
            let error = anyhow!("an agent's processes come without {name}: ask without --agent");
            return Err(Trouble(error).into());
        }
        let remote = remote(self.agent.as_ref(), self.token_file.as_deref(), &self.trust)?;
        if let Some(remote) = remote {
            let text = remote.get("/api/v1/processes").await?;
            let list: json::List =
                serde_json::from_str(&text).context("the agent's processes cannot be used")?;
            return self.print(list.rows());
        }
        let directory = Arc::new(Directory::default());
        let mut engines = Engines::follow(&self.engines.addresses()?, &directory);
        directory.scan(&CgroupMount::find()?)?;
        if tokio::time::timeout(PATIENCE, engines.tried())
            .await
            .is_err()
        {
            warn!("an engine does not answer: its containers appear by id");
        }
        let shutdown = CancellationToken::new();
        let ecs = self.ecs.asked_by(filter);
        let ecs = ecs.map(|ecs| Ecs::spawn(Arc::clone(&directory), ecs, shutdown.clone()));
        if let Some(ecs) = &ecs
            && tokio::time::timeout(PATIENCE_ECS, ecs.settled())
                .await
                .is_err()
        {
            warn!("ECS does not answer: nobody's service is known");
        }
        let listing = process::list().context("cannot list processes from /proc")?;
        if listing.refused > 0 {
            let (refused, most) = (listing.refused, process::MAX_PROCESSES);
            warn!("{refused} processes are left out: at most {most} are listed");
        }
        let processes = listing.processes.into_iter();
        let rows = processes.map(|process| {
            let mut row = Row::new(process, &directory);
            if let Some(ecs) = &ecs {
                row.container = row.container.map(|container| ecs.place(container));
            }
            row
        });
        let printed = self.print(rows);
        shutdown.cancel();
        engines.end().await;
        if let Some(ecs) = ecs {
            ecs.ended().await;
        }
        printed
    }

    fn print(&self, rows: impl Iterator<Item = Row>) -> anyhow::Result<()> {
        let filter = self.filter.of(Kind::Process)?;
        let host = hostname();
        let rows = rows
            .filter(|row| !self.containers || row.container.is_some())
            .filter(|row| Filter::admits(filter, &ProcessRecord::new(row, &host)))
            .take(self.limit.unwrap_or(usize::MAX));
        let text = match self.output {
            Output::Table => processes::table(rows),
            Output::Json => json::text(rows)?,
        };
        print(&text)
    }
}

/// The first field that it asks for and no agent tells.
fn untold(filter: &Filter) -> Option<Field> {
    let mut fields = filter.fields().into_iter();
    fields.find(|field| UNTOLD.contains(field))
}
