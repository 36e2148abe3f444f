//! The daemon under steady work for half an hour, with somebody who scrapes and somebody who follows:
//! what it holds must not grow, and all must be counted.

use std::env;
use std::fmt::Write as _;
use std::process;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use probe_tests::http::{Door, Events};

use super::agent::{Agent, losses, sum};
use super::figures::{mebibytes, thousands};
use super::load::Program;
use crate::say;
use crate::stop::Stop;

const CONNECTIONS: &[&str] = &["connections", "--clients", "2", "--rate", "5000"];
const PROGRAMS: &[&str] = &["execs", "--rate", "50"];
/// Rows of the table.
const ROWS: u32 = 6;
/// How often Prometheus asks, by default every minute; four times as often is usual.
const SCRAPE: Duration = Duration::from_secs(15);
/// What still comes after the last program has ended.
const SETTLE: Duration = Duration::from_secs(3);

/// A row for each sixth of the time, and what was counted in the end.
pub(super) fn measure(load: &Program, seconds: u64, stop: &Stop) -> Result<String> {
    let socket = env::temp_dir().join(format!("probe-soak-{}.sock", process::id()));
    let agent = Agent::daemon(socket.to_str().context("the path is not UTF-8")?)?;
    let door = Door::Unix(socket);
    let programs = Programs::follow(&door)?;
    let mut text = format!(
        "`probe run` for {seconds} s of {} connections and {} programs run a second, scraped every \
         {} s, its events followed.\n\n\
         | after | memory resident, least and most | descriptors, most | CPU |\n|---|---|---|---|\n",
        CONNECTIONS[4],
        PROGRAMS[2],
        SCRAPE.as_secs(),
    );
    let connections = load.start(CONNECTIONS, seconds, false)?;
    let execs = load.start(PROGRAMS, seconds, false)?;
    let (start, time) = (Instant::now(), Duration::from_secs(seconds));
    for row in 1..=ROWS {
        say::progress(format_args!("soaking, {row} of {ROWS}"));
        let span = Span::watch(&agent, &door, start + time * row / ROWS, stop)?;
        writeln!(text, "| {} s | {span} |", (time * row / ROWS).as_secs())?;
    }
    let (connections, execs) = (connections.finish(stop)?, execs.finish(stop)?);
    thread::sleep(SETTLE);
    let graph = door.get("/api/v1/graph", &[])?.json()?;
    agent.stop()?;
    writeln!(
        text,
        "\n| | made | counted |\n|---|---|---|\n| connections | {} | {} |\n| programs run | {} | {} |\n\n\
         Losses: {}.",
        thousands_of(connections.units),
        thousands_of(sum(&graph, "connections_opened")),
        thousands_of(execs.units),
        thousands_of(programs.seen()?),
        losses(&graph),
    )?;
    Ok(text)
}

fn thousands_of(count: u64) -> String {
    // Counts of half an hour are far below 2⁵³.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let count = count as f64;
    thousands(count)
}

/// What the daemon held for a while.
struct Span {
    memory: (u64, u64),
    descriptors: usize,
    /// Of a core.
    cpu: f64,
}

impl Span {
    /// Looks each second until then, and scrapes.
    fn watch(agent: &Agent, door: &Door, until: Instant, stop: &Stop) -> Result<Self> {
        let (start, before) = (Instant::now(), agent.used()?.cpu);
        let mut span = Self {
            memory: (u64::MAX, 0),
            descriptors: 0,
            cpu: 0.0,
        };
        let mut scrape = start;
        while Instant::now() < until {
            stop.check()?;
            if Instant::now() >= scrape {
                let status = door.get("/metrics", &[])?.status;
                ensure!(status == 200, "/metrics was answered with {status}");
                scrape += SCRAPE;
            }
            let (memory, descriptors) = agent.holds()?;
            span.memory = (span.memory.0.min(memory), span.memory.1.max(memory));
            span.descriptors = span.descriptors.max(descriptors);
            thread::sleep(Duration::from_secs(1));
        }
        let used = agent.used()?.cpu.saturating_sub(before);
        span.cpu = used.as_secs_f64() / start.elapsed().as_secs_f64();
        Ok(span)
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            memory: (least, most),
            descriptors,
            cpu,
        } = self;
        let (least, most) = (mebibytes(*least), mebibytes(*most));
        write!(
            f,
            "{least} to {most} | {descriptors} | {:.1} %",
            cpu * 100.0
        )
    }
}

/// Somebody who follows the events, and counts the programs that the load has run.
struct Programs(JoinHandle<Result<u64>>);

impl Programs {
    fn follow(door: &Door) -> Result<Self> {
        let mut events = door.follow("/api/v1/events")?;
        Ok(Self(thread::spawn(move || count(&mut events))))
    }

    /// How many there were, once the daemon has ended.
    fn seen(self) -> Result<u64> {
        let seen = self.0.join();
        seen.map_err(|_| anyhow::anyhow!("a reader panicked"))?
    }
}

fn count(events: &mut Events) -> Result<u64> {
    let mut seen = 0;
    while let Some((name, event)) = events.next_event()? {
        ensure!(name == "event", "a follower was told: {name} {event}");
        let says = |key: &str, value: &str| event[key].as_str() == Some(value);
        seen += u64::from(says("type", "exec") && says("path", "/bin/true"));
    }
    Ok(seen)
}
