//! `probe events`.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{
    Source, Until, Wanted, announce_remote,
    filter::{FilterArgs, kernel},
    print,
    remote::{TrustArgs, remote},
    say,
    stop::Stop,
};
use crate::{
    agent::{Agent, Moment},
    clock::Clock,
    filter::{Field, Filter, Kind, Value},
    identity::{lives::Lives, processes::Processes},
    kernel::{
        connections::{Kinds, Watch},
        records::Record,
    },
    remote::{AgentAddress, Remote},
    views::events::{Event, EventRecord},
};

/// How often it is looked which containers started and ended, and the directory forgets.
const INTERVAL: Duration = Duration::from_secs(1);

/// Print programs run, connections made and ended, containers started, as it happens.
#[derive(Args, Debug)]
pub struct Events {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    until: Until,
    #[command(flatten)]
    filter: FilterArgs,

    /// Follow the agent that runs there: http[s]://HOST:PORT, or a unix socket's path.
    #[arg(long, value_name = "URL|SOCKET", conflicts_with_all = ["engine", "filter", "buffer"])]
    agent: Option<AgentAddress>,

    /// The agent's token is the first in this file.
    #[arg(long, value_name = "FILE", requires = "agent")]
    token_file: Option<PathBuf>,

    #[command(flatten)]
    trust: TrustArgs,

    /// Mebibytes for connections that are not printed yet; what does not fit is counted as lost.
    #[arg(long, value_name = "MIB", default_value_t = 4,
          value_parser = clap::value_parser!(u32).range(1..=1024))]
    buffer: u32,

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
        let wanted = Wanted::Records(self.watch(filter));
        let mut agent = self.source.start(wanted, filter, INTERVAL)?;
        stop.start(&self.until);
        let mut teller = Teller {
            output: self.output,
            filter,
            processes: Processes::look(),
            lives: Lives::new(agent.started(), &agent.directory().containers()),
            lost: (0, 0),
        };
        loop {
            tokio::select! {
                // What there is to print may have no end.
                biased;
                () = stop.asked() => break,
                moment = agent.next() => match moment? {
                    Moment::Records(records) => teller.records(records, &agent)?,
                    Moment::Tick => {
                        teller.containers(&agent)?;
                        teller.complain(&agent)?;
                    }
                    Moment::Messages(_) => {}
                },
            }
        }
        agent.end_records();
        loop {
            let records = agent.last_records();
            if records.is_empty() {
                break;
            }
            teller.records(records, &agent)?;
        }
        teller.containers(&agent)?;
        teller.complain(&agent)?;
        agent.stop().await;
        Ok(())
    }

    /// Which connections' events the filter may let pass; `None` when those are none.
    fn watch(&self, filter: Option<&Filter>) -> Option<Watch> {
        let kinds = filter.map_or(ALL, kinds);
        (!kinds.is_empty()).then(|| Watch {
            // A power of two, as rings have it.
            ring: (self.buffer << 20).next_power_of_two(),
            kinds,
            wanted: filter.map(kernel::wanted).unwrap_or_default(),
        })
    }

    async fn follow(&self, remote: &Remote, stop: &mut Stop) -> anyhow::Result<()> {
        let mut messages = remote.follow("/api/v1/events").await?;
        announce_remote(remote);
        say(format_args!(
            "connections are not among its events: only `probe events` without --agent tells of \
             each connect, accept and close"
        ));
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

const CONNECTS: Kinds = Kinds::CONNECT.and(Kinds::CONNECT_FAILED);
const ALL: Kinds = CONNECTS.and(Kinds::ACCEPT).and(Kinds::CLOSE);

/// The kinds of connections' records that a filter may let pass.
fn kinds(filter: &Filter) -> Kinds {
    let of = |kind: &str, kinds| {
        let may = filter.may_match(Kind::Event, Field::EvtType, kind);
        if may { kinds } else { Kinds::default() }
    };
    let by_type = of("connect", CONNECTS)
        .and(of("accept", Kinds::ACCEPT))
        .and(of("close", Kinds::CLOSE));
    let certain = filter.certainties();
    certain
        .into_iter()
        .fold(by_type, |kinds, (field, value)| match (field, value) {
            (Field::EvtFailed, Value::Flag(true)) | (Field::EvtErrno, _) => {
                kinds.among(Kinds::CONNECT_FAILED)
            }
            (Field::EvtFailed, Value::Flag(false)) => kinds.among(Kinds::CONNECT),
            _ => kinds,
        })
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
    /// What was lost so far: records, and those of connections.
    lost: (u64, u64),
}

impl Teller<'_> {
    fn records(&mut self, records: Vec<Record>, agent: &Agent) -> anyhow::Result<()> {
        let clock = Clock::now();
        let mut text = String::new();
        for record in records {
            let time = clock.at(record.time);
            let process = self.processes.take_in(&record);
            let event = Event::new(record, time, agent.host(), process.as_deref());
            self.tell(&event, agent, &mut text)?;
        }
        print(&text)
    }

    fn containers(&mut self, agent: &Agent) -> anyhow::Result<()> {
        let now = Timestamp::now();
        let mut text = String::new();
        self.lives.began(agent.started());
        for mut turn in self.lives.look(&agent.directory().containers()) {
            turn.container = agent.host().placed(turn.container);
            self.tell(&Event::of_turn(turn, now), agent, &mut text)?;
        }
        print(&text)
    }

    /// Says how much was lost since the last time.
    fn complain(&mut self, agent: &Agent) -> anyhow::Result<()> {
        let (records, connections) = self.lost;
        self.lost = (agent.losses()?.records_dropped, agent.connections_lost()?);
        if self.lost.0 > records {
            say(format_args!(
                "{} events of processes and containers are lost, as they came too fast",
                self.lost.0 - records
            ));
        }
        if self.lost.1 > connections {
            say(format_args!(
                "{} events of connections are lost, as the buffer was full: a larger --buffer or a \
                 narrower --filter helps",
                self.lost.1 - connections
            ));
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_filter_lets_pass_is_not_watched() {
        let check = |filter: &str, expected: Kinds| {
            assert_eq!(kinds(&filter.parse().unwrap()), expected, "{filter}");
        };
        let none = Kinds::default();
        check("container.name = web", ALL);
        check("evt.type = connect and fd.port = 5432", CONNECTS);
        check("evt.type in (exec, exit, oom-kill)", none);
        check("evt.type in (exec, close) and fd.port = 80", Kinds::CLOSE);
        check("evt.type != close", CONNECTS.and(Kinds::ACCEPT));
        check(
            "evt.type = accept or evt.type = exec and proc.name = sh",
            Kinds::ACCEPT,
        );
        check("evt.failed = true", Kinds::CONNECT_FAILED);
        check("evt.failed = false", Kinds::CONNECT);
        check("evt.errno = ECONNREFUSED", Kinds::CONNECT_FAILED);
        check("evt.type = accept and evt.failed = true", none);
    }
}
