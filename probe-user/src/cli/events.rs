//! `probe events`.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use super::{Source, Until, Wanted, announce_remote, print, remote::remote, stop::Stop};
use crate::{
    agent::{Agent, Moment},
    clock::Clock,
    remote::{AgentAddress, Remote},
    views::events::Event,
};

/// Nothing is counted: the interval only lets the directory forget.
const INTERVAL: Duration = Duration::from_secs(1);

/// Print programs run, processes ended and containers started, as it happens.
#[derive(Args, Debug)]
pub struct Events {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    until: Until,

    /// Follow the agent that runs there: http://HOST:PORT, or a unix socket's path.
    #[arg(long, value_name = "URL|SOCKET", conflicts_with_all = ["engine", "max_flows"])]
    agent: Option<AgentAddress>,

    /// The agent's token is the first in this file.
    #[arg(long, value_name = "FILE", requires = "agent")]
    token_file: Option<PathBuf>,

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
        let mut stop = Stop::new()?;
        let remote = remote(self.agent.as_ref(), self.token_file.as_deref())?;
        if let Some(remote) = remote {
            return self.follow(&remote, &mut stop).await;
        }
        let mut agent = self.source.start(Wanted::Records, INTERVAL, false)?;
        stop.start(&self.until);
        loop {
            tokio::select! {
                () = stop.asked() => break,
                moment = agent.next() => self.show(moment?, &agent)?,
            }
        }
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
                    print(&self.line(&event)?)?;
                }
                "dropped" => bail!("the agent let us go: {}", message.data),
                // What a newer agent adds.
                _ => {}
            }
        }
    }

    fn line(&self, event: &Event) -> serde_json::Result<String> {
        let mut line = match self.output {
            Output::Text => event.text(),
            Output::Json => serde_json::to_string(event)?,
        };
        line.push('\n');
        Ok(line)
    }

    fn show(&self, moment: Moment, agent: &Agent) -> anyhow::Result<()> {
        let Moment::Records(records) = moment else {
            return Ok(());
        };
        let clock = Clock::now();
        let mut text = String::new();
        for record in records {
            let time = clock.at(record.time);
            let event = Event::new(record, time, agent.directory());
            text.push_str(&self.line(&event)?);
        }
        print(&text)
    }
}
