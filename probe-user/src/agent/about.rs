//! What an agent says of itself and of those it knows.

use std::{net::IpAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use tracing::debug;

use super::{Agent, RunError};
use crate::{
    identity::{Directory, Ecs, workload::Host},
    kernel::{losses::Losses, programs::CALLS_OF_EVERY_FAMILY},
    serve::news::Vitals,
};

impl Agent {
    /// Programs attached, by name.
    #[must_use]
    pub fn attached(&self) -> &[&'static str] {
        &self.attached
    }

    /// Looks at the flow map so far.
    #[must_use]
    pub const fn ticks(&self) -> u64 {
        self.vitals.ticks
    }

    /// Whether the kernel lets the flow map be read.
    pub fn can_read(&mut self) -> bool {
        match self.read_flows().and_then(|()| self.losses()) {
            Ok(_) => true,
            Err(error) => {
                debug!("the maps cannot be read: {error}");
                false
            }
        }
    }

    /// Whether send and receive calls are counted on this kernel.
    #[must_use]
    pub fn counts_calls(&self) -> bool {
        CALLS_OF_EVERY_FAMILY.is_served_by(&self.attached)
    }

    /// This host's name.
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// The addresses of the host's interfaces, loopback left out.
    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        &self.host.addresses
    }

    /// When the programs were attached.
    #[must_use]
    pub const fn started(&self) -> Timestamp {
        self.began.shown()
    }

    /// How long it has watched.
    #[must_use]
    pub fn watched(&self) -> Duration {
        self.began.elapsed()
    }

    /// What is wrong with an engine, if anything is.
    #[must_use]
    pub fn engine_trouble(&self) -> Option<String> {
        let reason = self.engines.trouble()?;
        Some(format!("no Docker engine: {reason}"))
    }

    /// What is known of containers.
    #[must_use]
    pub fn directory(&self) -> &Arc<Directory> {
        &self.host.directory
    }

    /// What is known of ECS tasks and services, when that was asked for.
    #[must_use]
    pub fn ecs(&self) -> Option<&Ecs> {
        self.host.ecs.as_deref()
    }

    /// Who stands behind cgroups and addresses.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// How it fares.
    pub fn vitals(&self) -> Result<Vitals, RunError> {
        Ok(Vitals {
            started: self.started(),
            late_ticks: self.flows.late(),
            flows: self.flows.len(),
            flows_known: self.ledger.len(),
            losses: self.losses()?,
            engine_trouble: self.engine_trouble(),
            ..self.vitals.clone()
        })
    }

    /// All that was seen and not kept.
    pub fn losses(&self) -> Result<Losses, RunError> {
        let kernel = self.losses.read().map_err(RunError::Losses)?;
        let here = Losses {
            flows_dropped: self.ledger.refused(),
            records_dropped: self.records.get_ref().undecoded(),
            names_dropped: self.host.names.refused(),
            runs_missed: self.object.runs_missed().map_err(RunError::Missed)?,
            ..Losses::default()
        };
        Ok(kernel + here)
    }
}
