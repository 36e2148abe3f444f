//! A live table of edges on the terminal.

use anyhow::Context as _;
use crossterm::event::{Event, EventStream, KeyCode, KeyEventKind, KeyModifiers};
use futures_util::StreamExt as _;

use super::{Feed, Look, Stop};
use crate::views::{
    full_screen::{Canvas, FullScreen},
    live::{State, draw},
};

pub(super) async fn show(feed: &mut Feed, stop: &mut Stop, look: &mut Look) -> anyhow::Result<()> {
    let mut screen = FullScreen::take(false).context("cannot draw on this terminal")?;
    draw_until(feed, stop, look, &mut screen.canvas).await
}

async fn draw_until(
    feed: &mut Feed,
    stop: &mut Stop,
    look: &mut Look,
    terminal: &mut Canvas,
) -> anyhow::Result<()> {
    let mut keys = EventStream::new();
    let mut state = State {
        host: feed.agent.hostname().to_owned(),
        rows: Vec::new(),
        interval: look.interval,
        losses: feed.agent.losses()?,
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
            ticked = feed.tick() => {
                ticked?;
                (state.rows, state.interval) = look.rows(&feed.agent);
                state.rows.truncate(look.limit);
                state.losses = feed.agent.losses()?;
                state.engine = feed.agent.engine_trouble();
            }
        }
    }
}

/// `q`, Escape, or Ctrl-C, which is a key while the terminal is raw.
pub(in crate::cli) fn quits(event: &Event) -> bool {
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
