//! `probe events`.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{
    Show, Source, Until, Wanted, announce_remote,
    filter::FilterArgs,
    print,
    remote::{TrustArgs, remote},
    stop::Stop,
};
use crate::{
    agent::{Agent, Moment},
    clock::Clock,
    filter::{Filter, Kind},
    identity::{lives::Lives, processes::Processes},
    kernel::records::Record,
    remote::{AgentAddress, Remote},
    views::events::{Event, EventRecord},
};

/// How often it is looked which containers started and ended, and the directory forgets.
const INTERVAL: Duration = Duration::from_secs(1);

/// Print programs run, processes ended and containers started, as it happens.
#[derive(Args, Debug)]
pub struct Events {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    until: Until,
    #[command(flatten)]
    filter: FilterArgs,

    /// Follow the agent that runs there: http[s]://HOST:PORT, or a unix socket's path.
    #[arg(long, value_name = "URL|SOCKET", conflicts_with_all = ["engine", "filter"])]
    agent: Option<AgentAddress>,

    /// The agent's token is the first in this file.
    #[arg(long, value_name = "FILE", requires = "agent")]
    token_file: Option<PathBuf>,

    #[command(flatten)]
    trust: TrustArgs,

    /// How to print them.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// How events are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// In columns.
    Text,
    /// A JSON object a line.
    Json,
}

impl Events {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let filter = self.filter.of(Kind::Event)?;
        let mut stop = Stop::new()?;
        let remote = remote(self.agent.as_ref(), self.token_file.as_deref(), &self.trust)?;
        if let Some(remote) = remote {
            return self.follow(&remote, &mut stop).await;
        }
        let mut agent = self
            .source
            .start(Wanted::Records, Show::default(), INTERVAL, false)?;
        stop.start(&self.until);
        let mut teller = Teller {
            output: self.output,
            filter,
            processes: Processes::look(),
            lives: Lives::new(agent.started(), &agent.directory().containers()),
        };
        loop {
            tokio::select! {
                () = stop.asked() => break,
                moment = agent.next() => match moment? {
                    Moment::Records(records) => teller.records(records, &agent)?,
                    Moment::Tick => teller.containers(&agent)?,
                    Moment::Messages(_) => {}
                },
            }
        }
        teller.containers(&agent)?;
        agent.stop().await;
        Ok(())
    }

    async fn follow(&self, remote: &Remote, stop: &mut Stop) -> anyhow::Result<()> {
        let mut messages = remote.follow("/api/v1/events").await?;
        announce_remote(remote);
        stop.start(&self.until);
        loop {
            let message = tokio::select! {
                () = stop.asked() => return Ok(()),
                message = messages.next() => message?,
            };
            let Some(message) = message else {
                bail!("the agent at {} has ended", remote.address());
            };
            match message.event.as_str() {
                "event" => {
                    let event: Event = serde_json::from_str(&message.data)
                        .context("the agent's event cannot be used")?;
                    print(&self.output.line(&event)?)?;
                }
                "dropped" => bail!("the agent let us go: {}", message.data),
                // What a newer agent adds.
                _ => {}
            }
        }
    }
}

impl Output {
    fn line(self, event: &Event) -> serde_json::Result<String> {
        let mut line = match self {
            Self::Text => event.text(),
            Self::Json => serde_json::to_string(event)?,
        };
        line.push('\n');
        Ok(line)
    }
}

/// Prints what happens, and remembers what that needs.
struct Teller<'a> {
    output: Output,
    filter: Option<&'a Filter>,
    processes: Processes,
    lives: Lives,
}

impl Teller<'_> {
    fn records(&mut self, records: Vec<Record>, agent: &Agent) -> anyhow::Result<()> {
        let clock = Clock::now();
        let mut text = String::new();
        for record in records {
            let time = clock.at(record.time);
            let process = self.processes.take_in(&record);
            let event = Event::new(record, time, agent.directory(), process.as_deref());
            self.tell(&event, agent, &mut text)?;
        }
        print(&text)
    }

    fn containers(&mut self, agent: &Agent) -> anyhow::Result<()> {
        let now = Timestamp::now();
        let mut text = String::new();
        self.lives.began(agent.started());
        for turn in self.lives.look(&agent.directory().containers()) {
            self.tell(&Event::of_turn(turn, now), agent, &mut text)?;
        }
        print(&text)
    }

    fn tell(&self, event: &Event, agent: &Agent, text: &mut String) -> anyhow::Result<()> {
        let host = agent.hostname();
        if !Filter::admits(self.filter, &EventRecord { event, host }) {
            return Ok(());
        }
        text.push_str(&self.output.line(event)?);
        Ok(())
    }
}
