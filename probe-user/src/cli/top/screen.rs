//! `probe top` on a terminal.

use std::sync::Arc;

use anyhow::Context as _;
use crossterm::event::{Event, EventStream, KeyEventKind};
use futures_util::StreamExt as _;

use super::{
    Eyes, Top,
    ear::{Ear, Heard},
    files_lost,
};
use crate::{
    agent::{Agent, Moment},
    cli::stop::Stop,
    clock::Clock,
    filter::Filter,
    identity::workload::Holders,
    top::{
        Subject,
        state::{Asked, Drawn, Hearing, State},
    },
    views::{
        edges::losses,
        full_screen::{Canvas, FullScreen},
        top::{draw, room},
        traffic::{Payload, Talk},
    },
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
    let mut screen = FullScreen::take(true).context("cannot draw on this terminal")?;
    follow(&mut state, eyes, agent, stop, &mut screen.canvas).await
}

async fn follow(
    state: &mut State,
    eyes: &mut Eyes,
    agent: &mut Agent,
    stop: &mut Stop,
    terminal: &mut Canvas,
) -> anyhow::Result<()> {
    let mut keys = EventStream::new();
    let (mut ear, mut holders) = (Ear::default(), Holders::default());
    loop {
        watch_what_is_shown(state, agent, &mut ear)?;
        holders.forget();
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
            if let Some(said) = &mut state.conversation {
                let size = terminal.size()?;
                said.fit(room(size));
            }
            terminal.draw(|frame| drawn = draw(frame, state))?;
            tokio::select! {
                // On a busy machine a look takes as long as there is to the next one.
                biased;
                () = stop.asked() => return Ok(()),
                event = keys.next() => match event.transpose()? {
                    Some(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                        if state.key(key) == Asked::Quit {
                            return Ok(());
                        }
                        watch_what_is_shown(state, agent, &mut ear)?;
                    }
                    Some(Event::Mouse(mouse)) => state.mouse(mouse, &drawn),
                    Some(_) => {}
                    None => return Ok(()),
                },
                heard = ear.next() => hear(state, heard, &ear, agent, &mut holders),
                moment = agent.next() => match moment? {
                    Moment::Tick if !state.paused => break,
                    Moment::Records(records) => eyes.looker.take_in(&records),
                    _ => {}
                },
            }
        }
    }
}

/// Files and processes' ends are watched only while they are looked at, and nobody is listened to unless it is
/// shown: it costs something in every system call.
fn watch_what_is_shown(state: &State, agent: &mut Agent, ear: &mut Ear) -> anyhow::Result<()> {
    ear.turn_to(state.listening(), agent);
    if state.subject() == Subject::Files {
        agent.watch_files()?;
    } else {
        agent.leave_files();
    }
    if state.subject() == Subject::Processes {
        agent.watch_exits()?;
    } else {
        agent.leave_exits();
    }
    Ok(())
}

/// What was heard goes to the conversation on the screen, secrets covered.
fn hear(state: &mut State, heard: Heard, ear: &Ear, agent: &Agent, holders: &mut Holders) {
    let Some(conversation) = &mut state.conversation else {
        return;
    };
    match heard {
        Heard::Attached => conversation.hearing = Hearing::Live,
        Heard::Refused(why) => conversation.hearing = Hearing::Refused(why),
        Heard::Messages(messages, lost) => {
            conversation.lost = lost;
            let (clock, host) = (Clock::now(), Arc::from(agent.hostname()));
            for message in messages {
                let time = clock.at(message.time);
                let talk = Talk::new(message, time, agent.host(), holders, &host);
                if ear.is_meant(&talk) {
                    let talk = talk.redacted();
                    conversation.hear(&talk.text(Payload::Text), &talk.text(Payload::Hex));
                }
            }
        }
    }
}
