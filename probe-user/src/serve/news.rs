//! What the agent's loop leaves for readers: its latest graph, its figures, its events.
//!
//! The loop never waits. A graph is made only when somebody asks, or once a tick while somebody
//! follows; all readers share it. Events wait in one queue of [`EVENTS`] for all readers: who falls
//! behind by more has missed some, and is told.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, broadcast, watch};

use crate::{
    kernel::losses::Losses,
    topology::{Backlog, Snapshot, join::Conversation},
    views::events::Event,
};

/// Events kept for readers that are behind.
pub const EVENTS: usize = 4096;

/// A graph with what it was made of.
#[derive(Debug)]
pub struct Published {
    /// The tick it shows.
    pub tick: u64,
    /// The graph.
    pub snapshot: Snapshot,
    /// Its conversations, each with the addresses it went to.
    pub conversations: Vec<Conversation>,
    /// Listeners that have turned connections away.
    pub backlogs: Vec<Backlog>,
}

/// How the agent fares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vitals {
    /// When the programs were attached, by the clock as it goes now.
    pub started: Timestamp,
    /// Looks at the flow map so far.
    pub ticks: u64,
    /// Time they took in all.
    pub ticking: Duration,
    /// Time the latest took.
    pub last_tick: Duration,
    /// Looks that did without open sockets, as descriptors had run out.
    pub late_ticks: u64,
    /// Flows in the kernel's table.
    pub flows: usize,
    /// Flows since the start.
    pub flows_known: usize,
    /// Flows that either has room for.
    pub max_flows: u32,
    /// What was seen and not kept.
    pub losses: Losses,
    /// Records that came.
    pub records: u64,
    /// What is wrong with an engine.
    pub engine_trouble: Option<String>,
}

/// The loop's end.
#[derive(Debug)]
pub struct Newsroom {
    graph: watch::Sender<Option<Arc<Published>>>,
    vitals: watch::Sender<Vitals>,
    events: broadcast::Sender<Arc<Event>>,
    asked: Arc<Notify>,
    followers: Arc<AtomicUsize>,
}

/// The readers' end.
#[derive(Debug)]
pub struct News {
    graph: watch::Receiver<Option<Arc<Published>>>,
    vitals: watch::Receiver<Vitals>,
    /// For its subscriptions; weak, so that streams end with the loop.
    events: broadcast::WeakSender<Arc<Event>>,
    asked: Arc<Notify>,
    followers: Arc<AtomicUsize>,
}

/// Both ends.
#[must_use]
pub fn channel() -> (Newsroom, News) {
    let (graph, graphs) = watch::channel(None);
    let (vitals, vitals_seen) = watch::channel(Vitals::default());
    let (events, _) = broadcast::channel(EVENTS);
    let (asked, followers) = (Arc::default(), Arc::default());
    let news = News {
        graph: graphs,
        vitals: vitals_seen,
        events: events.downgrade(),
        asked: Arc::clone(&asked),
        followers: Arc::clone(&followers),
    };
    let newsroom = Newsroom {
        graph,
        vitals,
        events,
        asked,
        followers,
    };
    (newsroom, news)
}

impl Newsroom {
    /// Returns when somebody asks for a graph. May be dropped while it waits.
    pub async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Whether a graph is wanted with every tick.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        self.followers.load(Ordering::Relaxed) > 0
    }

    /// Whether the latest graph shows another tick than this one.
    #[must_use]
    pub fn is_behind(&self, tick: u64) -> bool {
        let latest = self.graph.borrow();
        latest.as_ref().is_none_or(|latest| latest.tick != tick)
    }

    /// Leaves a graph.
    pub fn publish(&self, published: Published) {
        self.graph.send_replace(Some(Arc::new(published)));
    }

    /// Leaves the figures.
    pub fn fare(&self, vitals: Vitals) {
        self.vitals.send_replace(vitals);
    }

    /// Whether anybody would hear of an event.
    #[must_use]
    pub fn has_listeners(&self) -> bool {
        self.events.receiver_count() > 0
    }

    /// Tells all who listen.
    pub fn tell(&self, event: Event) {
        // No one listens any more: no loss to anyone.
        let _ = self.events.send(Arc::new(event));
    }
}

impl News {
    /// The graph as of the latest tick, made now if need be; `None` once the loop has ended.
    pub async fn graph(&self) -> Option<Arc<Published>> {
        let tick = self.vitals.borrow().ticks;
        let is_of = |published: &Option<Arc<Published>>| {
            let published = published.as_ref();
            published.is_some_and(|published| published.tick >= tick)
        };
        let mut graph = self.graph.clone();
        if !is_of(&graph.borrow()) {
            self.asked.notify_one();
        }
        let published = graph.wait_for(is_of).await.ok()?;
        published.clone()
    }

    /// How the agent fares.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        self.vitals.borrow().clone()
    }

    /// Graphs as they are made, one each tick while any of these is held.
    #[must_use]
    pub fn follow(&self) -> Following {
        self.followers.fetch_add(1, Ordering::Relaxed);
        self.asked.notify_one();
        Following {
            graph: self.graph.clone(),
            followers: Arc::clone(&self.followers),
        }
    }

    /// Events from now on; `None` once the loop has ended.
    #[must_use]
    pub fn events(&self) -> Option<broadcast::Receiver<Arc<Event>>> {
        Some(self.events.upgrade()?.subscribe())
    }
}

/// One that follows the graph.
#[derive(Debug)]
pub struct Following {
    graph: watch::Receiver<Option<Arc<Published>>>,
    followers: Arc<AtomicUsize>,
}

impl Following {
    /// The latest graph that is newer than `tick`; those between are skipped. `None` once the loop
    /// has ended.
    pub async fn after(&mut self, tick: Option<u64>) -> Option<Arc<Published>> {
        let is_newer = |published: &Option<Arc<Published>>| {
            let published = published.as_ref();
            published.is_some_and(|published| Some(published.tick) > tick)
        };
        self.graph.wait_for(is_newer).await.ok()?.clone()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.followers.fetch_sub(1, Ordering::Relaxed);
    }
}
