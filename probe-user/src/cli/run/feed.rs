//! The agent's loop: it leaves its news for the server, and ticks for whoever looks.

use std::time::{Duration, Instant};

use tracing::warn;

use crate::{
    agent::{Agent, Moment, RunError},
    clock::Clock,
    identity::processes::Processes,
    kernel::{losses::Losses, programs::PROCESSES, records::Record},
    serve::news::Newsroom,
    views::{edges, events::Event},
};

/// Losses are logged that often at most.
const REMIND: Duration = Duration::from_mins(1);

/// The agent, with what it tells the server.
pub(super) struct Feed {
    pub(super) agent: Agent,
    newsroom: Newsroom,
    processes: Processes,
    /// Losses that were logged, and when.
    logged: (Losses, Option<Instant>),
    /// Late ticks that were, and when.
    late: (u64, Option<Instant>),
}

impl Feed {
    pub(super) fn new(agent: Agent, newsroom: Newsroom) -> Self {
        let processes = if PROCESSES.is_served_by(agent.attached()) {
            Processes::look()
        } else {
            Processes::default()
        };
        Self {
            agent,
            newsroom,
            processes,
            logged: (Losses::default(), None),
            late: (0, None),
        }
    }

    /// Returns after the next look at the flow map; meanwhile passes records on and makes the
    /// graphs that are asked for. May be dropped while it waits; nothing is lost.
    pub(super) async fn tick(&mut self) -> Result<(), RunError> {
        loop {
            tokio::select! {
                moment = self.agent.next() => match moment? {
                    Moment::Records(records) => self.tell(records),
                    Moment::Tick => return self.ticked(),
                    Moment::Messages(_) => {}
                },
                () = self.newsroom.asked() => self.publish()?,
            }
        }
    }

    /// No more news: readers that wait for some learn of the end.
    pub(super) fn end(self) -> Agent {
        self.agent
    }

    fn ticked(&mut self) -> Result<(), RunError> {
        let vitals = self.agent.vitals()?;
        self.log_losses(vitals.losses);
        self.log_late(vitals.late_ticks);
        self.newsroom.fare(vitals);
        if self.newsroom.is_followed() {
            self.publish()?;
        }
        Ok(())
    }

    fn publish(&mut self) -> Result<(), RunError> {
        if self.newsroom.is_behind(self.agent.ticks()) {
            self.newsroom.publish(self.agent.publish()?);
        }
        Ok(())
    }

    fn tell(&mut self, records: Vec<Record>) {
        let listened_to = self.newsroom.has_listeners();
        let clock = Clock::now();
        for record in records {
            let process = self.processes.take_in(&record);
            if listened_to {
                let time = clock.at(record.time);
                let event = Event::new(record, time, self.agent.host(), process.as_deref());
                self.newsroom.tell(event);
            }
        }
    }

    fn log_late(&mut self, late: u64) {
        let (before, when) = self.late;
        if late != before && when.is_none_or(|when| when.elapsed() >= REMIND) {
            warn!(
                "open sockets are not gone over, what they count comes late: too many open files"
            );
            self.late = (late, Some(Instant::now()));
        }
    }

    fn log_losses(&mut self, losses: Losses) {
        let (before, when) = self.logged;
        if losses != before && when.is_none_or(|when| when.elapsed() >= REMIND) {
            if let Some(sentence) = edges::losses(&losses) {
                warn!("{sentence}");
            }
            self.logged = (losses, Some(Instant::now()));
        }
    }
}
