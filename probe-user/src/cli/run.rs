//! `probe run`.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _},
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use crossterm::event::{Event, EventStream, KeyCode, KeyEventKind, KeyModifiers};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use ratatui::DefaultTerminal;

use super::{
    Source, Until, Wanted,
    filter::FilterArgs,
    print,
    shape::{ShapeArgs, TrafficArgs},
    stop::Stop,
};
use crate::{
    agent::{Agent, Moment},
    filter::Kind,
    views::{
        edges::{Edges, Row, line},
        live::{State, draw},
    },
};

/// Show live who talks to whom; into a pipe, a line for each edge that has news.
#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    until: Until,
    #[command(flatten)]
    shape: ShapeArgs,
    #[command(flatten)]
    traffic: TrafficArgs,
    #[command(flatten)]
    filter: FilterArgs,

    /// Time between two refreshes.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,

    /// Edges to show, busiest first; all by default.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// How long a node without traffic stays on the screen by default.
const FADE: Duration = Duration::from_mins(1);

pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time < Duration::from_millis(100) {
        return Err("the shortest interval is 100ms".to_owned());
    }
    Ok(time)
}

/// Whether this is a screen to draw on.
pub(super) fn draws() -> bool {
    io::stdout().is_terminal()
}

impl Run {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let filter = self.filter.of(Kind::Edge)?.cloned();
        let mut stop = Stop::new()?;
        let show = self.traffic.show(self.shape.shape(), Some(FADE));
        let mut agent = self
            .source
            .start(Wanted::Traffic, show, self.interval, draws())?;
        let edges = Edges::filtered(filter, agent.hostname());
        stop.start(&self.until);
        if draws() {
            // Restores the terminal on a panic as well.
            let mut terminal = ratatui::try_init().context("cannot draw on this terminal")?;
            let drawn = self.draw(edges, &mut agent, &mut stop, &mut terminal).await;
            ratatui::restore();
            drawn?;
        } else {
            self.print(edges, &mut agent, &mut stop).await?;
        }
        agent.stop().await;
        Ok(())
    }

    /// The edges, and how long it took for what is recent of them to come: the interval, or as
    /// much of the window as has passed.
    fn rows(&self, edges: &mut Edges, agent: &Agent) -> (Vec<Row>, Duration) {
        let Some(window) = self.traffic.window() else {
            return (edges.rows(&agent.graph()), self.interval);
        };
        let watched = Timestamp::now().duration_since(agent.started());
        let span = window.min(watched.unsigned_abs());
        (edges.afresh().rows(&agent.graph()), span)
    }

    async fn print(
        &self,
        mut edges: Edges,
        agent: &mut Agent,
        stop: &mut Stop,
    ) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                () = stop.asked() => return Ok(()),
                moment = agent.next() => if !matches!(moment?, Moment::Tick) { continue },
            }
            let time = format!("{:.0}", Timestamp::now());
            let mut text = String::new();
            let (rows, span) = self.rows(&mut edges, agent);
            let news = rows.iter().filter(|row| !row.recent.is_zero());
            for row in news.take(self.limit.unwrap_or(usize::MAX)) {
                writeln!(text, "{}", line(&time, row, span))?;
            }
            print(&text)?;
        }
    }

    async fn draw(
        &self,
        mut edges: Edges,
        agent: &mut Agent,
        stop: &mut Stop,
        terminal: &mut DefaultTerminal,
    ) -> anyhow::Result<()> {
        let mut keys = EventStream::new();
        let mut state = State {
            host: agent.hostname().to_owned(),
            rows: Vec::new(),
            interval: self.interval,
            losses: agent.losses()?,
            engine: None,
        };
        loop {
            terminal.draw(|frame| draw(frame, &state))?;
            tokio::select! {
                () = stop.asked() => return Ok(()),
                key = keys.next() => match key.transpose()? {
                    Some(key) if !quits(&key) => {}
                    _ => return Ok(()),
                },
                moment = agent.next() => if matches!(moment?, Moment::Tick) {
                    (state.rows, state.interval) = self.rows(&mut edges, agent);
                    state.rows.truncate(self.limit.unwrap_or(usize::MAX));
                    state.losses = agent.losses()?;
                    state.engine = agent.engine_trouble();
                },
            }
        }
    }
}

/// `q`, Escape, or Ctrl-C, which is a key while the terminal is raw.
pub(super) fn quits(event: &Event) -> bool {
    let Event::Key(key) = event else {
        return false;
    };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press
        && match key.code {
            KeyCode::Char('q') | KeyCode::Esc => true,
            KeyCode::Char('c') => control,
            _ => false,
        }
}
