//! `probe traffic`.

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use probe_ebpf::message::MAX_SNAPLEN;

use super::{
    Source, Trouble, Until, Wanted,
    filter::{FilterArgs, kernel::wanted},
    print,
    stop::Stop,
};
use crate::{
    agent::{Agent, Moment},
    clock::Clock,
    filter::{Field, Filter, Kind},
    identity::{ByPid, process::Process, workload::Holders},
    kernel::messages::{Capture, Message},
    views::traffic::{Payload, Talk},
};

/// How often it is looked whether messages were lost.
const INTERVAL: Duration = Duration::from_secs(1);

/// Print what containers and processes say to each other, as they say it.
#[derive(Args, Debug)]
pub struct Traffic {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    until: Until,
    #[command(flatten)]
    filter: FilterArgs,

    /// Also what is read from and written to files, pipes and terminals.
    #[arg(long)]
    files: bool,

    /// Bytes of each read and write to show.
    #[arg(long, value_name = "BYTES", default_value_t = 2000,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_SNAPLEN)))]
    snaplen: u32,

    /// Mebibytes for what was said and is not printed yet; what does not fit is counted as lost.
    #[arg(long, value_name = "MIB", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(1..=1024))]
    buffer: u32,

    /// Print bytes in hexadecimal, with the text beside.
    #[arg(long, conflicts_with = "output")]
    hex: bool,

    /// Print passwords, cookies and the like as they are, rather than as asterisks.
    #[arg(long)]
    no_redact: bool,

    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// How messages are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// A line on each read or write, and its bytes below.
    Text,
    /// A JSON object a line.
    Json,
}

impl Traffic {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let filter = self.filter.of(Kind::Message)?;
        let wanted = filter.map(wanted).unwrap_or_default();
        if !self.files && filter.is_some_and(asks_for_files) {
            let error =
                anyhow!("the filter asks for files, pipes or terminals: --files shows them");
            return Err(Trouble(error).into());
        }
        let mut stop = Stop::new()?;
        let capture = Capture {
            snaplen: self.snaplen,
            // A power of two, as rings have it.
            ring: (self.buffer << 20).next_power_of_two(),
            wanted,
            files: self.files,
        };
        let wanted = Wanted::Messages(capture);
        let mut agent = self.source.start(wanted, filter, INTERVAL)?;
        stop.start(&self.until);
        let mut teller = Teller {
            output: self.output,
            payload: if self.hex {
                Payload::Hex
            } else {
                Payload::Text
            },
            redacts: !self.no_redact,
            filter,
            asking: filter.filter(|filter| filter.fields().into_iter().any(is_in_proc)),
            processes: ByPid::default(),
            host: agent.hostname().into(),
            holders: Holders::default(),
            tally: Tally::default(),
        };
        loop {
            tokio::select! {
                // What there is to print may have no end.
                biased;
                () = stop.asked() => break,
                moment = agent.next() => match moment? {
                    Moment::Messages(messages) => teller.tell(messages, &agent)?,
                    Moment::Tick => {
                        teller.holders.forget();
                        teller.processes.forget();
                        teller.complain(&agent)?;
                    }
                    Moment::Records(_) => {}
                },
            }
        }
        agent.end_messages();
        loop {
            let messages = agent.last_messages();
            if messages.is_empty() {
                break;
            }
            teller.tell(messages, &agent)?;
        }
        teller.complain(&agent)?;
        teller.sum_up(self.snaplen);
        agent.stop().await;
        Ok(())
    }
}

/// Whether it lets no socket pass.
fn asks_for_files(filter: &Filter) -> bool {
    let of_sockets = format!("({filter}) and fd.type in (ipv4, ipv6, unix)").parse::<Filter>();
    of_sockets.is_ok_and(|filter| filter.never(Kind::Message).is_some())
}

/// Whether `/proc` alone tells it of a message's process.
const fn is_in_proc(field: Field) -> bool {
    matches!(
        field,
        Field::ProcVpid | Field::ProcPpid | Field::ProcCmdline | Field::ProcExe | Field::ProcUid
    )
}

/// Messages so far.
#[derive(Default)]
struct Tally {
    shown: u64,
    /// Of these, not whole.
    cut: u64,
    /// That the filter kept back.
    hidden: u64,
    /// Whose process had ended when the filter asked for it.
    gone: u64,
    lost: u64,
}

/// Prints what is said.
struct Teller<'a> {
    output: Output,
    payload: Payload,
    redacts: bool,
    filter: Option<&'a Filter>,
    /// The same, if it asks for what messages do not tell of their processes.
    asking: Option<&'a Filter>,
    processes: ByPid<Option<Arc<Process>>>,
    host: Arc<str>,
    holders: Holders,
    tally: Tally,
}

impl Teller<'_> {
    fn tell(&mut self, messages: Vec<Message>, agent: &Agent) -> anyhow::Result<()> {
        let clock = Clock::now();
        let mut text = String::new();
        for message in messages {
            let time = clock.at(message.time);
            let mut talk = Talk::new(message, time, agent.host(), &mut self.holders, &self.host);
            if let Some(filter) = self.asking
                && !filter.refuses(&talk, |field| !is_in_proc(field))
            {
                talk = talk.with_process(&mut self.processes);
                self.tally.gone += u64::from(!talk.has_process());
            }
            if !Filter::admits(self.filter, &talk) {
                self.tally.hidden += 1;
                continue;
            }
            self.tally.shown += 1;
            self.tally.cut += u64::from(talk.is_cut());
            let talk = if self.redacts { talk.redacted() } else { talk };
            text.push_str(&match self.output {
                Output::Text => talk.text(self.payload),
                Output::Json => talk.json()?,
            });
        }
        print(&text)
    }

    /// Says how many messages were lost since the last time.
    #[expect(clippy::print_stderr, reason = "stdout has what was said")]
    fn complain(&mut self, agent: &Agent) -> anyhow::Result<()> {
        let lost = agent.messages_lost()?;
        if lost > self.tally.lost {
            eprintln!(
                "{} messages are lost, as the buffer was full: a larger --buffer or a narrower \
                 --filter helps",
                lost - self.tally.lost
            );
            self.tally.lost = lost;
        }
        Ok(())
    }

    #[expect(clippy::print_stderr, reason = "as above")]
    fn sum_up(&self, snaplen: u32) {
        let Tally {
            shown,
            cut,
            hidden,
            gone,
            lost,
        } = self.tally;
        eprintln!(
            "{shown} messages shown, {cut} of them not whole (--snaplen {snaplen}), {hidden} \
             filtered out, {lost} lost"
        );
        if gone > 0 {
            eprintln!(
                "the processes of {gone} messages had ended before they were looked at: the filter \
                 knew their name, pid and container alone"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_for_files_alone_is_told() {
        let check = |filter: &str, expected| {
            assert_eq!(
                asks_for_files(&filter.parse().unwrap()),
                expected,
                "{filter}"
            );
        };
        check("fd.type = file", true);
        check("container.name = a and fd.type in (pipe, tty)", true);
        check("fd.type = file or fd.type = pipe and proc.pid = 1", true);
        check("fd.type = file or fd.port = 80", false);
        check("fd.type in (file, ipv4)", false);
        check("fd.name = /run/db.sock", false);
    }
}
