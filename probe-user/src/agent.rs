//! The live kernel, Docker and the ledger, tied together: one tick, one graph.

mod about;
mod attach;
mod connections;
mod error;
mod exits;
mod files;
mod graph;
mod hearing;
pub(crate) mod machine;
mod messages;
mod options;
mod refused;
mod ring;

use std::{sync::Arc, time::Duration};

use jiff::Unit;
use tokio::{
    io::unix::AsyncFd,
    time::{Instant, Interval},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::warn;

use self::{
    attach::unattached,
    refused::{Refused, due},
    ring::{every, take_in},
};
pub use self::{
    error::{RunError, StartError},
    hearing::Hearing,
    options::{Options, Show},
};
use crate::{
    clock::Beginning,
    identity::{CgroupMount, Directory, Ecs, Names, dns, ecs, engines::Engines, workload::Host},
    kernel::{
        answers::Answers,
        error::LoadError,
        flows::{FlowMaps, FlowTable},
        losses::LossCounters,
        messages::{Message, Messages},
        object::{Asked, Object},
        privileges,
        records::{Record, Records},
    },
    serve::news::Vitals,
    topology::Ledger,
};

/// How long the last answers of the engine are waited for before a graph is shown.
const SETTLE: Duration = Duration::from_secs(1);
/// How long the last answers of ECS are, where there is a task without any.
const SETTLE_ECS: Duration = Duration::from_secs(5);
/// How often it is looked whether they have come.
const SETTLE_STEP: Duration = Duration::from_millis(20);

/// What has happened.
#[derive(Debug)]
pub enum Moment {
    /// An interval has passed: the ledger is up to date.
    Tick,
    /// Records came, in order. Containers they speak of are known by now, if only by id.
    Records(Vec<Record>),
    /// Messages came, in order.
    Messages(Vec<Message>),
}

/// The running agent. Dropping it detaches the programs and ends its tasks.
pub struct Agent {
    /// Holds the programs attached.
    object: Object,
    flows: FlowTable,
    losses: LossCounters,
    records: AsyncFd<Records>,
    /// When to look for those that wake nobody; `None` where there are none.
    looks: Option<Interval>,
    messages: Option<AsyncFd<Messages>>,
    files: files::Files,
    /// Whether it is watched how processes end.
    exits: bool,
    connections: Option<AsyncFd<Records>>,
    refused: Option<Box<Refused>>,
    answers: Answers,
    ledger: Ledger,
    host: Host,
    hostname: String,
    began: Beginning,
    ticks: Interval,
    engines: Engines,
    show: Show,
    /// The age from which on what ECS said is overdue.
    overdue: Duration,
    /// Ends what asks ECS.
    shutdown: DropGuard,
    /// Programs attached, by name.
    attached: Vec<&'static str>,
    /// What it has done so far.
    vitals: Vitals,
}

impl Agent {
    /// Loads, attaches, and starts to follow the engine; must be called within a tokio runtime.
    pub fn start(options: &Options) -> Result<Self, StartError> {
        privileges::check()?;
        let cgroups = CgroupMount::find()?;
        let mut object = Object::load(
            options.max_flows,
            options.netns,
            &Asked {
                messages: options.messages.as_ref(),
                connections: options.connections.as_ref(),
                files: options.files,
            },
        )?;
        let live_sockets = object.attach_live_sockets()?;
        let maps = flow_maps(&mut object)?;
        let flows = FlowTable::new(maps, live_sockets).map_err(map_error("COUNTERS"))?;
        let losses =
            LossCounters::try_from(object.take_map("LOSSES")?).map_err(map_error("LOSSES"))?;
        let records =
            Records::try_from(object.take_map("RECORDS")?).map_err(map_error("RECORDS"))?;
        // SAFETY: the map's descriptor is the ring's own, the same for as long as it lives.
        let records = unsafe { AsyncFd::register(records) }
            .map_err(|error| StartError::Poll(error.into()))?;

        let messages = options
            .messages
            .is_some()
            .then(|| messages::open(&mut object))
            .transpose()?;
        let connections = connections::open(&mut object, options.connections.as_ref())?;
        let answers =
            Answers::try_from(object.take_map("ANSWERS")?).map_err(map_error("ANSWERS"))?;

        let files = files::Files::open(&mut object)?;
        let directory = Arc::new(Directory::default());
        let engines = Engines::follow(&options.engines, &directory);
        let shutdown = CancellationToken::new();
        let ecs = options.ecs.clone().map(|options| {
            Arc::new(Ecs::spawn(
                Arc::clone(&directory),
                options,
                shutdown.clone(),
            ))
        });
        let refresh = options.ecs.as_ref().map(|ecs| ecs.refresh);

        let hostname = machine::hostname();
        let mut refused = Refused::of(options, &mut object, &hostname)?;
        let attached = attach::all(&mut object, options, &cgroups, &directory, &mut refused)?;
        Ok(Self {
            object,
            flows,
            losses,
            records,
            looks: (options.processes || options.connections.is_some())
                .then(|| every(ring::PATIENCE)),
            messages,
            files,
            exits: false,
            connections,
            refused: refused.map(Box::new),
            answers,
            ledger: Ledger::new(options.max_flows as usize)
                .showing(options.show.window, options.show.fade),
            host: Host {
                directory,
                ecs,
                addresses: machine::addresses(),
                names: Names::default(),
            },
            hostname,
            began: Beginning::now(),
            ticks: every(options.interval),
            engines,
            show: options.show.clone(),
            // One that has just been missed may still be under way.
            overdue: 2 * refresh.unwrap_or(ecs::REFRESH),
            shutdown: shutdown.drop_guard(),
            attached,
            vitals: Vitals {
                max_flows: options.max_flows,
                ..Vitals::default()
            },
        })
    }

    /// Waits for what happens next. May be dropped while it waits; nothing is lost.
    pub async fn next(&mut self) -> Result<Moment, RunError> {
        loop {
            tokio::select! {
                _ = self.ticks.tick() => {
                    let begun = Instant::now();
                    self.read_flows()?;
                    self.files.tick()?;
                    self.vitals.last_tick = begun.elapsed();
                    self.vitals.ticking += begun.elapsed();
                    self.vitals.ticks += 1;
                    return Ok(Moment::Tick);
                }
                records = ring::records(&mut self.records, self.looks.as_mut(), &self.host.directory) => {
                    let records = records.map_err(RunError::Poll)?;
                    return Ok(Moment::Records(self.and_what_else_is_there(records)));
                }
                records = connections::readable(self.connections.as_mut()) => {
                    let records = records.map_err(RunError::Poll)?;
                    return Ok(Moment::Records(self.and_what_else_is_there(records)));
                }
                messages = messages::readable(self.messages.as_mut()) => {
                    // What is said in a container that is new is said after it is made.
                    take_in(self.records.get_mut(), &self.host.directory);
                    return Ok(Moment::Messages(messages.map_err(RunError::Poll)?));
                }
                () = due(self.refused.as_deref_mut()) => self.follow_filter()?,
            }
        }
    }

    /// Lets the kernel know in which cgroups nothing can be wanted.
    fn follow_filter(&mut self) -> Result<(), RunError> {
        let directory = &self.host.directory;
        let told = self
            .refused
            .as_mut()
            .map(|refused| refused.follow(directory));
        told.transpose().map(drop).map_err(RunError::Refused)
    }

    /// Reads what is still in the kernel, and waits a little for names that are on their way.
    pub async fn settle(&mut self) -> Result<(), RunError> {
        let records = take_in(self.records.get_mut(), &self.host.directory);
        self.vitals.records += records.len() as u64;
        self.read_flows()?;
        let deadline = Instant::now() + SETTLE;
        while Instant::now() < deadline && self.awaits_names() {
            tokio::time::sleep(SETTLE_STEP).await;
        }
        if let Some(ecs) = &self.host.ecs
            && self.ledger.has_undescribed(&self.host)
        {
            // Late answers are shown by their absence.
            drop(tokio::time::timeout(SETTLE_ECS, ecs.settled()).await);
        }
        self.read_flows()
    }

    /// Some container in the ledger has no name, and an engine is there that may know it.
    fn awaits_names(&mut self) -> bool {
        self.engines.any_answers() && self.ledger.has_nameless(&self.host)
    }

    fn read_flows(&mut self) -> Result<(), RunError> {
        self.object.flush_log();
        if let Some(step) = self.began.follow() {
            let way = if step.is_positive() { "ahead" } else { "back" };
            let step = step.round(Unit::Second).unwrap_or(step).abs();
            warn!("the clock was set {way} by {step:#}: times are told by the new one");
        }
        let now = std::time::Instant::now();
        // Before the flows: what was looked up is connected to next.
        let names = &mut self.host.names;
        names.sweep(now);
        self.answers.drain(|message| {
            if let Some(answer) = dns::answer(message) {
                names.learn(&answer, now);
            }
        });
        let news = self.flows.tick()?;
        for delta in &news.deltas {
            if !delta.flow.local.is_loopback() && !delta.flow.local.is_unspecified() {
                let (address, cgroup) = (delta.flow.local, delta.flow.cgroup);
                self.host.directory.address_seen(address, cgroup);
            }
        }
        self.ledger.advance(now);
        self.ledger.apply(news, &self.host);
        self.host.directory.sweep(now);
        Ok(())
    }

    /// Finds out which connections a graph's edges had, for other hosts to find their own among them.
    fn read_halves(&mut self) -> Result<(), RunError> {
        self.ledger.keep(self.flows.halves()?);
        Ok(())
    }

    /// Detaches everything and ends what was started.
    pub async fn stop(self) {
        self.engines.end().await;
        drop(self.shutdown);
        // Who else holds it waits for itself.
        if let Some(ecs) = self.host.ecs.and_then(Arc::into_inner) {
            ecs.ended().await;
        }
    }
}

fn flow_maps(object: &mut Object) -> Result<FlowMaps, LoadError> {
    Ok(FlowMaps {
        flows: object.take_map("FLOWS")?,
        others: object.take_map("OTHERS")?,
        counters: object.take_map("COUNTERS")?,
        hot: object.take_map("HOT")?,
        kept: object.take_map("KEPT")?,
        paths: object.take_map("PATHS")?,
    })
}

fn map_error(name: &'static str) -> impl FnOnce(aya::maps::MapError) -> LoadError {
    move |source| LoadError::Map { name, source }
}
