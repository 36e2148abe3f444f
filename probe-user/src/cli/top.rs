//! `probe top`.

mod ear;
mod screen;

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use tracing::warn;

use super::{FlowSource, Show, Trouble, Until, Wanted, filter::FilterArgs, print, say, stop::Stop};
use crate::{
    agent::{Agent, Moment},
    config::interval,
    filter::Filter,
    identity::{CgroupMount, process},
    top::{Listed, Look, Looker, Sheet, Subject, files},
    topology::Graph,
    usage::Hierarchies,
    views::{edges::losses, sheet},
};

/// How alike an offered column must be, from 0 to 1.
const ALIKE: f64 = 0.7;

/// Show live who uses how much; into a pipe, a table each interval.
#[derive(Args, Debug)]
pub struct Top {
    /// What to list.
    #[arg(value_enum, default_value_t = List::Containers)]
    list: List,

    #[command(flatten)]
    source: FlowSource,
    #[command(flatten)]
    until: Until,
    #[command(flatten)]
    filter: FilterArgs,

    /// Time between two looks.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,

    /// Looks to print; by default until Ctrl-C.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// The column to sort by, such as cpu, memory or net_in: numbers from the largest, names from A.
    #[arg(long, value_name = "COLUMN")]
    sort: Option<String>,

    /// Sort the other way round.
    #[arg(long)]
    reverse: bool,

    /// Lines to show; all by default.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// How to print it, also on a terminal; without it a terminal shows a screen.
    #[arg(short, long, value_enum)]
    output: Option<Output>,
}

/// What is listed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum List {
    /// A container a line.
    Containers,
    /// A process a line.
    Processes,
    /// Who talks to whom, an edge of the graph a line.
    Connections,
    /// A server and what it listens on a line.
    Ports,
    /// A service of ECS, Swarm or Compose a line.
    Services,
    /// A file and a command that uses it a line.
    Files,
}

impl From<List> for Subject {
    fn from(list: List) -> Self {
        match list {
            List::Containers => Self::Containers,
            List::Processes => Self::Processes,
            List::Connections => Self::Connections,
            List::Ports => Self::Ports,
            List::Services => Self::Services,
            List::Files => Self::Files,
        }
    }
}

/// How it is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// A line a line, an empty one between two looks.
    Table,
    /// A JSON object a line.
    Json,
    /// Comma-separated, with the titles once.
    Csv,
}

impl Top {
    /// Whether it draws over the terminal.
    pub(super) fn draws(&self) -> bool {
        let printed = self.output.is_some() || self.count.is_some();
        !printed && io::stdout().is_terminal()
    }

    pub(super) async fn run(self) -> anyhow::Result<()> {
        let subject = Subject::from(self.list);
        let sort = self.sorting(subject)?;
        let filter = self.filter.of(subject.filtered())?.cloned();
        let draws = self.draws();
        let mut stop = Stop::new()?;
        // Processes by themselves need no traffic; on a screen one may look for that next.
        let wanted = match self.list {
            _ if draws => Wanted::Screen,
            List::Processes => Wanted::Names,
            List::Files => Wanted::Files,
            _ => Wanted::Traffic,
        };
        let mut agent = self.source.start(
            wanted,
            filter.as_ref(),
            Show::default(),
            self.interval,
            draws,
        )?;
        if matches!(self.list, List::Processes) && !draws {
            agent.watch_exits()?;
        }
        let looker = Looker::new(Hierarchies::find(&CgroupMount::find()?));
        stop.start(&self.until);
        let mut eyes = Eyes {
            looker,
            processes: draws || matches!(self.list, List::Processes),
            told: false,
        };
        let shown = if draws {
            screen::run(&self, sort, filter, &mut eyes, &mut agent, &mut stop).await
        } else {
            self.print(sort, filter.as_ref(), &mut eyes, &mut agent, &mut stop)
                .await
        };
        agent.stop().await;
        shown
    }

    /// The column to sort by, and whether the other way round.
    fn sorting(&self, subject: Subject) -> anyhow::Result<(usize, bool)> {
        let columns = subject.columns();
        let key = self.sort.as_deref().unwrap_or(subject.busiest());
        if let Some(column) = Sheet::column(columns, key) {
            return Ok((column, self.reverse));
        }
        let rated = columns
            .iter()
            .map(|column| (strsim::jaro_winkler(key, column.key), column.key));
        let nearest = rated
            .filter(|(alike, _)| *alike >= ALIKE)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        let offer = nearest.map_or_else(String::new, |(_, key)| format!(" (did you mean {key}?)"));
        let keys: Vec<_> = columns.iter().map(|column| column.key).collect();
        let error = anyhow!(
            "{} have no column {key}{offer}; there are {}",
            subject.as_str(),
            keys.join(", ")
        );
        Err(Trouble(error).into())
    }

    async fn print(
        &self,
        (sort, reverse): (usize, bool),
        filter: Option<&Filter>,
        eyes: &mut Eyes,
        agent: &mut Agent,
        stop: &mut Stop,
    ) -> anyhow::Result<()> {
        let subject = Subject::from(self.list);
        let output = self.output.unwrap_or(Output::Table);
        let mut left = self.count;
        // What was used before is not what is used now.
        drop(eyes.look(agent, &Graph::default())?);
        let mut first = true;
        while left != Some(0) {
            tokio::select! {
                () = stop.asked() => break,
                moment = agent.next() => match moment? {
                    Moment::Tick => {}
                    Moment::Records(records) => {
                        eyes.looker.take_in(&records);
                        continue;
                    }
                    Moment::Messages(_) => continue,
                },
            }
            let graph = agent.graph();
            let time = Timestamp::now();
            let mut look = eyes.look(agent, &graph)?;
            if let Some(filter) = filter {
                look.keep(subject, filter, agent.hostname());
            }
            let mut sheet = subject.sheet(&look);
            sheet.sort(sort, reverse);
            sheet.lines.truncate(self.limit.unwrap_or(usize::MAX));
            print(&text(&sheet, subject, output, time, first)?)?;
            first = false;
            left = left.map(|left| left - 1);
        }
        tell_losses(agent)
    }
}

/// One look, printed with its time: rates are what passed since the look before.
fn text(
    sheet: &Sheet,
    subject: Subject,
    output: Output,
    time: Timestamp,
    first: bool,
) -> anyhow::Result<String> {
    let time = format!("{time:.3}");
    Ok(match output {
        Output::Table if first => sheet::table(sheet),
        Output::Table => format!("\n{}", sheet::table(sheet)),
        Output::Json => sheet::json(sheet, &time, subject.as_str())?,
        Output::Csv => {
            let header = if first {
                sheet::csv_header(sheet.columns)?
            } else {
                String::new()
            };
            header + &sheet::csv(sheet, &time)?
        }
    })
}

/// Beside the data, for the lines of a pipe have no place for it.
fn tell_losses(agent: &Agent) -> anyhow::Result<()> {
    if let Some(lost) = losses(&agent.losses()?) {
        say(format_args!("{lost}"));
    }
    if let Some(lost) = files_lost(agent)? {
        say(format_args!("{lost}"));
    }
    Ok(())
}

/// What of files has no line of its own.
fn files_lost(agent: &Agent) -> anyhow::Result<Option<String>> {
    Ok(match agent.files_lost()? {
        (0, 0) => None,
        (rest, none) => Some(format!(
            "{rest} reads and writes are of more files than there is room for, and counted in lines \
             without a file; {none} are not counted"
        )),
    })
}

/// What looks, and at what.
struct Eyes {
    looker: Looker,
    processes: bool,
    /// That there are more processes than are listed.
    told: bool,
}

impl Eyes {
    fn look<'graph>(
        &mut self,
        agent: &mut Agent,
        graph: &'graph Graph,
    ) -> anyhow::Result<Look<'graph>> {
        let processes = if self.processes {
            let listing = process::list().context("cannot list processes from /proc")?;
            if listing.refused > 0 && !self.told {
                self.told = true;
                let (refused, most) = (listing.refused, process::MAX_PROCESSES);
                warn!("{refused} processes are left out: at most {most} are listed");
            }
            Some(Listed {
                processes: listing.processes,
                ended: agent.last_records(),
            })
        } else {
            None
        };
        let mut look = self.looker.look(agent.directory(), graph, processes);
        look.files = files::readings(agent.files_used(), agent.host());
        look.place(|container| agent.host().placed(container));
        Ok(look)
    }
}
