//! `probe graph`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{Source, Until, Wanted, print, stop::Stop};
use crate::{
    export::{Snapshot, dot, json},
    views::edges,
};

/// How often the flow map is read while nothing is shown: flows must not leave unseen.
const INTERVAL: Duration = Duration::from_secs(1);

/// Watch for a while, then print who talked to whom.
#[derive(Args, Debug)]
pub struct Graph {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    until: Until,

    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,

    /// Edges to print, of the table only; all by default.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// How a graph is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// An edge a line, busiest first.
    Table,
    /// Node-link JSON, schema probe.graph/v1.
    Json,
    /// Graphviz.
    Dot,
}

impl Graph {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let mut stop = Stop::new()?;
        let mut agent = self.source.start(Wanted::Traffic, INTERVAL, false)?;
        stop.start(&self.until);
        loop {
            tokio::select! {
                () = stop.asked() => break,
                moment = agent.next() => drop(moment?),
            }
        }
        agent.settle().await?;
        let snapshot = Snapshot {
            host: agent.hostname().to_owned(),
            started: agent.started(),
            ended: Timestamp::now(),
            graph: agent.graph(),
            counts_calls: agent.counts_calls(),
            losses: agent.losses()?,
        };
        agent.stop().await;
        let mut text = Vec::new();
        match self.output {
            Output::Table => text = edges::table(&snapshot, self.limit).into_bytes(),
            Output::Json => json::write(&snapshot, &mut text)?,
            Output::Dot => dot::write(&snapshot, &mut text)?,
        }
        print(&String::from_utf8_lossy(&text))
    }
}
