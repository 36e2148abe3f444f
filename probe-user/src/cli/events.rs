//! `probe events`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Show, Source, Until, Wanted, print, stop::Stop};
use crate::{
    agent::{Agent, Moment},
    clock::Clock,
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
        let mut agent = self
            .source
            .start(Wanted::Records, Show::default(), INTERVAL, false)?;
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

    fn show(&self, moment: Moment, agent: &Agent) -> anyhow::Result<()> {
        let Moment::Records(records) = moment else {
            return Ok(());
        };
        let clock = Clock::now();
        let mut text = String::new();
        for record in records {
            let time = clock.at(record.time);
            let event = Event::new(record, time, agent.directory());
            match self.output {
                Output::Text => text.push_str(&event.text()),
                Output::Json => text.push_str(&serde_json::to_string(&event)?),
            }
            text.push('\n');
        }
        print(&text)
    }
}
