//! Some of what is said, heard for a while by programs of its own: they go with the value.
//!
//! Beside an agent that runs already: what is known of containers is that one's.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::unix::AsyncFd,
    time::{Instant, sleep_until},
};

use super::{
    RunError, StartError, attach, map_error, messages,
    refused::{Refused, due},
};
use crate::{
    filter::Filter,
    identity::{CgroupMount, Directory},
    kernel::{
        losses::LossCounters,
        messages::{Capture, Message, Messages},
        object::{Asked, Object},
    },
};

/// Flows that it needs room for: messages belong to none.
const FLOWS: u32 = 1;
/// Who shows messages to people does so no more often than this.
const PAUSE: Duration = Duration::from_millis(50);
/// Batches taken at once: so many that a key is not waited for.
const BATCHES: usize = 16;

/// What is said, as far as a filter may let it pass.
pub struct Hearing {
    /// Holds the programs attached.
    _object: Object,
    messages: AsyncFd<Messages>,
    losses: LossCounters,
    refused: Option<Refused>,
    directory: Arc<Directory>,
    /// When the next messages may be taken.
    next: Instant,
}

impl Hearing {
    /// Loads and attaches, which takes a while and blocks; within a tokio runtime.
    pub fn start(
        capture: &Capture,
        filter: &Filter,
        directory: Arc<Directory>,
        host: &str,
    ) -> Result<Self, StartError> {
        let cgroups = CgroupMount::find()?;
        let asked = Asked {
            messages: Some(capture),
            ..Asked::default()
        };
        let mut object = Object::load(FLOWS, None, &asked)?;
        let messages = messages::open(&mut object)?;
        let losses = object.take_map("LOSSES")?;
        let losses = LossCounters::try_from(losses).map_err(map_error("LOSSES"))?;
        let mut refused = match capture.wanted.cgroups {
            0 => None,
            _ => Some(Refused::open(&mut object, filter, host)?),
        };
        if let Some(refused) = &mut refused {
            refused.follow(&directory).map_err(map_error("REFUSED"))?;
        }
        for capability in messages::served_by(capture) {
            if let Err(reasons) = object.attach(capability, cgroups.path()) {
                attach::unattached(capability, &reasons)?;
            }
        }
        Ok(Self {
            _object: object,
            messages,
            losses,
            refused,
            directory,
            next: Instant::now(),
        })
    }

    /// Waits for what is said next. May be dropped while it waits; nothing is lost.
    pub async fn next(&mut self) -> Result<Vec<Message>, RunError> {
        loop {
            tokio::select! {
                ready = self.messages.readable_mut() => {
                    let mut ready = ready.map_err(RunError::Poll)?;
                    sleep_until(self.next).await;
                    let mut all = Vec::new();
                    for _ in 0..BATCHES {
                        let some = ready.get_inner_mut().take();
                        // The kernel wakes only who has read all there was.
                        if some.is_empty() {
                            ready.clear_ready();
                            break;
                        }
                        all.extend(some);
                    }
                    self.next = Instant::now() + PAUSE;
                    return Ok(all);
                }
                () = due(self.refused.as_mut()) => {
                    if let Some(refused) = &mut self.refused {
                        refused.follow(&self.directory).map_err(RunError::Refused)?;
                    }
                }
            }
        }
    }

    /// Messages that were not kept.
    pub fn lost(&self) -> Result<u64, RunError> {
        let kernel = self.losses.messages().map_err(RunError::Losses)?;
        Ok(kernel + self.messages.get_ref().undecoded())
    }
}
