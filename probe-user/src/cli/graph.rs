//! `probe graph`: a graph, live or from files, printed, questioned or compared.

mod files;
mod print;
mod questions;

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::{
    FlowSource, Trouble, Until, Wanted,
    filter::FilterArgs,
    remote::{TrustArgs, remote},
    shape::{ShapeArgs, TrafficArgs},
    stop::Stop,
};
use crate::{
    export::{Snapshot, json},
    filter::{Filter, Kind, of::EdgeRecord},
    remote::AgentAddress,
    topology::Delta,
};

/// How often the flow map is read while nothing is shown: flows must not leave unseen.
const INTERVAL: Duration = Duration::from_secs(1);

/// Watch for a while, then print who talked to whom; or do so with saved graphs.
#[derive(Args, Debug)]
pub struct Graph {
    #[command(flatten)]
    source: FlowSource,
    #[command(flatten)]
    until: Until,
    #[command(flatten)]
    files: files::Files,
    #[command(flatten)]
    questions: questions::Questions,
    #[command(flatten)]
    shape: ShapeArgs,
    #[command(flatten)]
    traffic: TrafficArgs,
    #[command(flatten)]
    filter: FilterArgs,

    /// Take the graph from the agent that runs there: http[s]://HOST:PORT, or a unix socket's path.
    #[arg(long, value_name = "URL|SOCKET",
          conflicts_with_all = ["input", "merge", "diff", "duration", "engine", "max_flows", "own_netns"])]
    agent: Option<AgentAddress>,

    /// The agent's token is the first in this file.
    #[arg(long, value_name = "FILE", requires = "agent")]
    token_file: Option<PathBuf>,

    #[command(flatten)]
    trust: TrustArgs,

    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,

    /// Edges to print, of the table only; all by default.
    #[arg(long, value_name = "N", conflicts_with_all = ["question", "diff"])]
    limit: Option<usize>,

    /// Print the JSON Schema of the JSON output.
    #[arg(long, exclusive = true)]
    schema: bool,
}

/// How a graph is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// An edge a line, busiest first; of an answer or a comparison, what it says.
    Table,
    /// Node-link JSON, schema probe.graph/v1; probe.answer/v1 or probe.delta/v1.
    Json,
    /// Graphviz.
    Dot,
    /// GraphML, for NetworkX, Gephi and yEd.
    Graphml,
    /// A Mermaid flowchart.
    Mermaid,
    /// The edges, comma-separated.
    Csv,
}

impl Graph {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        if self.schema {
            super::print(json::JSON_SCHEMA)?;
            return Ok(ExitCode::SUCCESS);
        }
        let filter = self.filter.of(Kind::Edge)?;
        if let Some((before, after)) = self.files.compared() {
            return self.compare(before, after, filter);
        }
        let question = self.questions.question();
        let remote = remote(self.agent.as_ref(), self.token_file.as_deref(), &self.trust)?;
        let snapshot = match (self.files.read()?, remote) {
            (Some(snapshot), _) => self.shape.shape().of_saved(snapshot)?,
            (None, Some(remote)) => {
                let text = remote.get("/api/v1/graph").await?;
                let snapshot = json::read(&text).context("the agent's graph cannot be used")?;
                self.shape.shape().of_saved(snapshot)?
            }
            (None, None) => self.watch().await?,
        };
        let snapshot = passing(snapshot, filter);
        let text = match question {
            Some(question) => {
                let answer = question.ask(&snapshot.graph)?;
                print::answer(&answer, &snapshot, self.output)?
            }
            None => print::graph(&snapshot, self.output, self.limit)?,
        };
        super::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }

    /// As `diff` does: 0 if nothing changed, 1 if anything did, 2 if that cannot be told.
    fn compare(
        &self,
        before: &str,
        after: &str,
        filter: Option<&Filter>,
    ) -> anyhow::Result<ExitCode> {
        let told = || {
            let read = |path| files::read(path).map(|snapshot| passing(snapshot, filter));
            let (before, after) = (read(before)?, read(after)?);
            let delta = Delta::between(&before.graph, &after.graph);
            let text = print::delta(&delta, &before, &after, self.output)?;
            Ok((delta, text))
        };
        let (delta, text) = told().map_err(Trouble)?;
        super::print(&text)?;
        Ok(ExitCode::from(u8::from(!delta.is_empty())))
    }

    async fn watch(&self) -> anyhow::Result<Snapshot> {
        let mut stop = Stop::new()?;
        let show = self.traffic.show(self.shape.shape(), None);
        let mut agent = self
            .source
            .start(Wanted::Traffic, None, show, INTERVAL, false)?;
        stop.start(&self.until);
        loop {
            tokio::select! {
                () = stop.asked() => break,
                moment = agent.next() => drop(moment?),
            }
        }
        agent.settle().await?;
        let snapshot = agent.snapshot();
        let snapshot = snapshot.context("the graph is not known to be whole")?;
        agent.stop().await;
        Ok(snapshot)
    }
}

/// The edges that pass, and the nodes at them.
fn passing(mut snapshot: Snapshot, filter: Option<&Filter>) -> Snapshot {
    if let Some(filter) = filter {
        let host = snapshot.host();
        let passes = |source: &_, target: &_, edge: &_| {
            filter.matches(&EdgeRecord::new(source, target, edge, &host))
        };
        snapshot.graph = Arc::new(snapshot.graph.only_edges(passes));
    }
    snapshot
}
