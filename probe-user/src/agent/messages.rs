//! What is said, for who asked for it.

use std::io;

use tokio::io::unix::AsyncFd;

use super::{Agent, RunError, StartError, map_error, take_in};
use crate::kernel::{
    messages::{Capture, Message, Messages},
    object::Object,
    programs::{Capability, DATAGRAM_PEERS, FILES, MESSAGES},
};

impl Agent {
    /// Takes what was said and not yet read; empty when that is all.
    pub fn last_messages(&mut self) -> Vec<Message> {
        take_in(self.records.get_mut(), &self.host.directory);
        self.messages
            .as_mut()
            .map_or_else(Vec::new, |ring| ring.get_mut().take())
    }

    /// Messages that were not kept.
    pub fn messages_lost(&self) -> Result<u64, RunError> {
        let kernel = self.losses.messages().map_err(RunError::Losses)?;
        let here = self.messages.as_ref();
        Ok(kernel + here.map_or(0, |ring| ring.get_ref().undecoded()))
    }

    /// Detaches what tells of messages.
    pub fn end_messages(&mut self) {
        let programs = MESSAGES.programs().chain(FILES.programs());
        self.object.detach(programs);
    }
}

/// What tells of messages, in the order in which it is attached.
pub(super) fn served_by(capture: &Capture) -> &'static [Capability] {
    const ALL: &[Capability] = &[DATAGRAM_PEERS, MESSAGES, FILES];
    match ALL {
        [sockets @ .., _] if !capture.files => sockets,
        all => all,
    }
}

/// The ring of messages, to be waited on.
pub(super) fn open(object: &mut Object) -> Result<AsyncFd<Messages>, StartError> {
    let ring = Messages::try_from(object.take_map("MESSAGES")?).map_err(map_error("MESSAGES"))?;
    // SAFETY: the map's descriptor is the ring's own, the same for as long as it lives.
    unsafe { AsyncFd::register(ring) }.map_err(|error| StartError::Poll(error.into()))
}

/// Waits for messages, for ever where there are none to come.
pub(super) async fn readable(ring: Option<&mut AsyncFd<Messages>>) -> io::Result<Vec<Message>> {
    let Some(ring) = ring else {
        return std::future::pending().await;
    };
    let mut ready = ring.readable_mut().await?;
    let messages = ready.get_inner_mut().take();
    // The kernel wakes only who has read all there was.
    if messages.is_empty() {
        ready.clear_ready();
    }
    Ok(messages)
}
