//! What hears the conversation on the screen: in the kernel only as long as that is there.

use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_blocking};

use crate::{
    agent::{Agent, Hearing, StartError},
    cli::filter::kernel::wanted,
    filter::Filter,
    kernel::messages::{Capture, Message},
    topology::{Aliases, EdgeKey},
    views::traffic::{Talk, filter_of},
};

/// Bytes of each message that are shown.
const SNAPLEN: u32 = 2000;
/// Bytes of the ring: a screen shows less than what fits.
const RING: u32 = 4 << 20;

/// Who listens, and to what.
#[derive(Default)]
pub(super) struct Ear {
    edge: Option<EdgeKey>,
    /// Where its ends see each other.
    aliases: Aliases,
    /// What the kernel was asked for.
    filter: Option<Filter>,
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Deaf,
    /// Programs are loaded by a thread that may wait.
    Attaching(JoinHandle<Result<Hearing, StartError>>),
    Open(Box<Hearing>),
}

/// What has happened to it.
pub(super) enum Heard {
    /// From now on everything is heard.
    Attached,
    /// Nothing will be, and why.
    Refused(String),
    /// What was said, and how many messages were lost so far.
    Messages(Vec<Message>, u64),
}

impl Ear {
    /// From now on listens to this, and to nothing else.
    pub(super) fn turn_to(&mut self, edge: Option<&EdgeKey>, agent: &Agent) {
        if self.edge.is_none() && edge.is_none() {
            return;
        }
        self.aliases = edge.map(|edge| agent.aliases(edge)).unwrap_or_default();
        let filter = edge.and_then(|edge| filter_of(edge, &self.aliases));
        if self.edge.as_ref() == edge && self.filter == filter {
            return;
        }
        self.edge = edge.cloned();
        self.filter.clone_from(&filter);
        let before = std::mem::take(&mut self.state);
        if let State::Open(hearing) = before {
            // The kernel takes its time to let go. Of one that is attaching, its own thread does.
            spawn_blocking(|| drop(hearing));
        }
        if let Some(filter) = filter {
            self.state = State::Attaching(attach(filter, agent));
        }
    }

    /// Whether it is what is listened to: the kernel lets more pass.
    pub(super) fn is_meant(&self, talk: &Talk) -> bool {
        let edge = self.edge.as_ref();
        edge.is_some_and(|edge| talk.is_of(edge, &self.aliases))
    }

    /// Waits for what happens next, for ever while it listens to nothing. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Heard {
        let heard = match &mut self.state {
            State::Deaf => std::future::pending().await,
            State::Attaching(task) => match task.await {
                Ok(Ok(hearing)) => {
                    self.state = State::Open(Box::new(hearing));
                    return Heard::Attached;
                }
                Ok(Err(error)) => Err(anyhow::Error::from(error)),
                Err(error) => Err(error.into()),
            },
            State::Open(hearing) => {
                let messages = hearing.next().await;
                let lost = hearing.lost();
                messages
                    .and_then(|messages| Ok(Heard::Messages(messages, lost?)))
                    .map_err(anyhow::Error::from)
            }
        };
        heard.unwrap_or_else(|error: anyhow::Error| {
            self.state = State::Deaf;
            Heard::Refused(format!("{error:#}"))
        })
    }
}

fn attach(filter: Filter, agent: &Agent) -> JoinHandle<Result<Hearing, StartError>> {
    let (directory, host) = (Arc::clone(agent.directory()), agent.hostname().to_owned());
    spawn_blocking(move || {
        let capture = Capture {
            snaplen: SNAPLEN,
            ring: RING,
            wanted: wanted(&filter),
            files: false,
        };
        Hearing::start(&capture, &filter, directory, &host)
    })
}
