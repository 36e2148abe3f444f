//! What to make of an engine's events, list and answers, and what to ask it next. No I/O.
//!
//! Events come in the order of what happened. A list or an answer shows one moment at or after
//! the question, so whatever an event told in between is newer, and the answer is asked for again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::wire::{Event, What};
use crate::identity::container::{Container, ContainerId, Life};
use crate::identity::directory::{Directory, Facts};
use crate::identity::layout::Runtime;

#[cfg(test)]
mod tests;

/// Inspections under way at once: more only queue up inside the engine.
const AT_ONCE: usize = 8;

pub(super) struct Follower {
    directory: Arc<Directory>,
    engine: Arc<str>,
    runtime: Runtime,
    /// To be inspected, each at most once. Holds only running containers that the directory took
    /// in, so the directory's bound is this one's.
    waiting: VecDeque<ContainerId>,
    questions: HashMap<ContainerId, Question>,
    /// Until the list is there: containers of which events told something newer.
    touched: Option<HashSet<ContainerId>>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Question {
    Waiting,
    Asked,
    /// Asked, and something changed since.
    Outdated,
}

impl Follower {
    pub(super) fn new(directory: Arc<Directory>, engine: Arc<str>, runtime: Runtime) -> Self {
        Self {
            directory,
            engine,
            runtime,
            waiting: VecDeque::new(),
            questions: HashMap::new(),
            touched: Some(HashSet::new()),
        }
    }

    pub(super) fn engine(&self) -> Arc<str> {
        Arc::clone(&self.engine)
    }

    /// Takes in one event.
    pub(super) fn event(&mut self, event: Event, now: Instant) {
        let id = event.id.clone();
        if let Some(touched) = &mut self.touched {
            touched.insert(id.clone());
        }
        if let Some(question @ Question::Asked) = self.questions.get_mut(&id) {
            *question = Question::Outdated;
        }
        let at = event.at;
        let what = event.what.clone();
        let mut facts = event.into_facts(self.engine(), self.runtime);
        match &what {
            What::Created => facts.life = Some(Life::Created),
            What::Started => {
                facts.life = Some(Life::Running);
                facts.started = Some(at);
            }
            What::Disconnected(network) => facts.networks = self.networks_without(&id, network),
            What::Ended | What::Changed => {}
        }
        let accepted = self.directory.upsert(facts, now);
        match what {
            What::Ended => {
                self.directory.ended(&id, Some(at), now);
                self.unask(&id);
            }
            What::Started | What::Changed if accepted => self.ask_if_running(&id),
            _ => {}
        }
    }

    /// Takes in the list of all containers there are.
    pub(super) fn listed(&mut self, containers: Vec<Facts>, now: Instant) {
        let touched = self.touched.take().unwrap_or_default();
        let listed: HashSet<ContainerId> = containers.iter().map(|f| f.id.clone()).collect();
        for facts in containers {
            let id = facts.id.clone();
            if touched.contains(&id) || self.directory.upsert(facts, now) {
                self.ask_if_running(&id);
            }
        }
        for container in self.directory.containers() {
            let id = &container.id;
            let ours = container.engine.as_ref() == Some(&self.engine);
            if ours && !container.is_ended() && !listed.contains(id) && !touched.contains(id) {
                self.directory.ended(id, None, now);
            }
        }
    }

    /// The next container to inspect, if one waits and few are under way.
    pub(super) fn next_question(&mut self) -> Option<ContainerId> {
        if self.questions.len() - self.waiting.len() >= AT_ONCE {
            return None;
        }
        let id = self.waiting.pop_front()?;
        self.questions.insert(id.clone(), Question::Asked);
        Some(id)
    }

    /// Takes in the answer to a question, `None` when there was none.
    pub(super) fn answered(&mut self, id: &ContainerId, facts: Option<Facts>, now: Instant) {
        let question = self.questions.remove(id);
        let Some(facts) = facts else { return };
        if question != Some(Question::Outdated) {
            self.directory.upsert(facts, now);
        } else if let Some(container) = self.directory.container(id) {
            if container.is_ended() {
                self.directory.upsert(still_true(facts, &container), now);
            } else {
                self.ask_if_running(id);
            }
        }
    }

    fn ask_if_running(&mut self, id: &ContainerId) {
        let running = self
            .directory
            .container(id)
            .is_some_and(|c| c.life == Life::Running);
        if running && !self.questions.contains_key(id) {
            self.questions.insert(id.clone(), Question::Waiting);
            self.waiting.push_back(id.clone());
        }
    }

    /// An ended container has no addresses to tell any more.
    fn unask(&mut self, id: &ContainerId) {
        if self.questions.get(id) == Some(&Question::Waiting) {
            self.questions.remove(id);
            self.waiting.retain(|waiting| waiting != id);
        }
    }

    /// A running container left a network; an ended one keeps what it had, to be found by.
    fn networks_without(
        &self,
        id: &ContainerId,
        network: &str,
    ) -> Option<Vec<crate::identity::Attachment>> {
        let container = self.directory.container(id)?;
        (container.life == Life::Running).then(|| {
            let networks = container.networks.iter();
            networks.filter(|n| n.network != network).cloned().collect()
        })
    }
}

/// What an inspection tells of a container that ended while it was under way: the addresses it
/// had, and what is not known better.
fn still_true(mut facts: Facts, container: &Container) -> Facts {
    facts.life = None;
    facts.pid = None;
    facts.started = container.started.or(facts.started);
    facts.finished = container.finished.or(facts.finished);
    facts.name = container.name.clone().or(facts.name);
    facts.networks = facts
        .networks
        .filter(|networks| networks.iter().any(|n| !n.addresses.is_empty()));
    facts
}
