//! Who holds which address, by whose word.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::identity::container::{Container, ContainerId};

/// Addresses remembered for one container: networks times families, and ample.
const PER_CONTAINER: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Addresses {
    holders: HashMap<IpAddr, Holder>,
    held: HashMap<ContainerId, Vec<IpAddr>>,
}

#[derive(Debug, Default)]
struct Holder {
    engine: Option<ContainerId>,
    traffic: Option<ContainerId>,
}

/// On what a claim rests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Word {
    Engine,
    Traffic,
}

impl Holder {
    fn slot(&mut self, word: Word) -> &mut Option<ContainerId> {
        match word {
            Word::Engine => &mut self.engine,
            Word::Traffic => &mut self.traffic,
        }
    }
}

impl Addresses {
    pub(super) fn len(&self) -> usize {
        self.holders.len()
    }

    /// The one who holds `address` now, else the one who held it last.
    pub(super) fn owner<'a>(
        &self,
        address: IpAddr,
        containers: &'a HashMap<ContainerId, Arc<Container>>,
    ) -> Option<&'a Arc<Container>> {
        let holder = self.holders.get(&address)?;
        let known = |id: &Option<ContainerId>| id.as_ref().and_then(|id| containers.get(id));
        let (engine, traffic) = (known(&holder.engine), known(&holder.traffic));
        let alive = |c: &&Arc<Container>| !c.is_ended();
        engine
            .filter(alive)
            .or_else(|| traffic.filter(alive))
            .or(engine)
            .or(traffic)
    }

    /// Whether an engine gave `address` to anyone still known.
    pub(super) fn given(&self, address: IpAddr) -> bool {
        self.holders
            .get(&address)
            .is_some_and(|holder| holder.engine.is_some())
    }

    /// The one whose traffic showed `address`.
    pub(super) fn seen_with(&self, address: IpAddr) -> Option<&ContainerId> {
        self.holders.get(&address)?.traffic.as_ref()
    }

    /// `id` holds `address` from now on; false when it holds too many.
    pub(super) fn claim(&mut self, address: IpAddr, id: &ContainerId, word: Word) -> bool {
        let held = self.held.entry(id.clone()).or_default();
        if !held.contains(&address) {
            if held.len() >= PER_CONTAINER {
                return false;
            }
            held.push(address);
        }
        *self.holders.entry(address).or_default().slot(word) = Some(id.clone());
        true
    }

    /// The engine took `address` from `id`.
    pub(super) fn release(&mut self, address: IpAddr, id: &ContainerId) {
        if let Some(held) = self.held.get_mut(id) {
            held.retain(|held| *held != address);
        }
        self.clear(address, id);
    }

    /// Nothing is known of `id` any more.
    pub(super) fn release_all(&mut self, id: &ContainerId) {
        for address in self.held.remove(id).unwrap_or_default() {
            self.clear(address, id);
        }
    }

    fn clear(&mut self, address: IpAddr, id: &ContainerId) {
        if let Some(holder) = self.holders.get_mut(&address) {
            for word in [Word::Engine, Word::Traffic] {
                let slot = holder.slot(word);
                if slot.as_ref() == Some(id) {
                    *slot = None;
                }
            }
            if holder.engine.is_none() && holder.traffic.is_none() {
                self.holders.remove(&address);
            }
        }
    }
}
