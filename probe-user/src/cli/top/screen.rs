//! `probe top` on a terminal.

use std::{io, panic};

use anyhow::Context as _;
use crossterm::{
    event::{DisableMouseCapture, EnableMouseCapture, Event, EventStream, KeyEventKind},
    execute,
};
use futures_util::StreamExt as _;
use ratatui::DefaultTerminal;

use super::{Eyes, Top, files_lost};
use crate::{
    agent::{Agent, Moment},
    cli::stop::Stop,
    filter::Filter,
    top::{
        Subject,
        state::{Asked, Drawn, State},
    },
    views::{edges::losses, top::draw},
};

/// Draws until someone quits. The terminal is restored whatever happens.
pub(super) async fn run(
    top: &Top,
    sort: (usize, bool),
    filter: Option<Filter>,
    eyes: &mut Eyes,
    agent: &mut Agent,
    stop: &mut Stop,
) -> anyhow::Result<()> {
    let mut state = State::new(agent.hostname(), Subject::from(top.list), sort, top.limit);
    if let Some(filter) = filter {
        state.filter(filter);
    }
    // Restores the terminal on a panic as well.
    let mut terminal = ratatui::try_init().context("cannot draw on this terminal")?;
    take_mouse();
    let drawn = follow(&mut state, eyes, agent, stop, &mut terminal).await;
    give_mouse_back();
    ratatui::restore();
    drawn
}

/// On a panic it is given back. Who has none, or a terminal that knows of none, goes without.
fn take_mouse() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        give_mouse_back();
        hook(info);
    }));
    let _ = execute!(io::stdout(), EnableMouseCapture);
}

fn give_mouse_back() {
    let _ = execute!(io::stdout(), DisableMouseCapture);
}

async fn follow(
    state: &mut State,
    eyes: &mut Eyes,
    agent: &mut Agent,
    stop: &mut Stop,
    terminal: &mut DefaultTerminal,
) -> anyhow::Result<()> {
    let mut keys = EventStream::new();
    loop {
        watch_what_is_shown(state, agent)?;
        let graph = agent.graph();
        let look = eyes.look(agent, &graph)?;
        state.remember(&look);
        state.trouble = losses(&agent.losses()?)
            .or(files_lost(agent)?)
            .or_else(|| agent.engine_trouble());
        // Until the next look, or until the screen moves again.
        loop {
            state.show(&look);
            let mut drawn = Drawn::default();
            terminal.draw(|frame| drawn = draw(frame, state))?;
            tokio::select! {
                () = stop.asked() => return Ok(()),
                event = keys.next() => match event.transpose()? {
                    Some(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                        if state.key(key) == Asked::Quit {
                            return Ok(());
                        }
                        watch_what_is_shown(state, agent)?;
                    }
                    Some(Event::Mouse(mouse)) => state.mouse(mouse, &drawn),
                    Some(_) => {}
                    None => return Ok(()),
                },
                moment = agent.next() => {
                    if matches!(moment?, Moment::Tick) && !state.paused {
                        break;
                    }
                }
            }
        }
    }
}

/// Files are watched only while they are looked at: it costs something in every system call.
fn watch_what_is_shown(state: &State, agent: &mut Agent) -> anyhow::Result<()> {
    if state.subject() == Subject::Files {
        agent.watch_files()?;
    } else {
        agent.leave_files();
    }
    Ok(())
}
