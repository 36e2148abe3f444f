//! HTTP: what the agent knows, for those who may not ask the kernel.
//!
//! It has a thread of its own, so that no reader is in the way of the agent's loop, which only
//! leaves its [`news`] behind. Nothing here waits for a reader either: queues are bounded, and who
//! does not keep up is told and let go.

pub mod access;
mod answer;
mod connections;
mod counters;
pub mod listen;
mod metrics;
pub mod news;
mod openapi;
mod patient;
mod routes;

use std::{io, sync::Arc, thread, time::Duration};

use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::identity::Directory;
use access::Access;
use counters::Counters;
use listen::Listeners;
pub use metrics::otlp::{NoTarget, Target};
use metrics::{Series, otlp};
use news::News;

/// Longest wait for answers under way when the server ends.
const DRAIN: Duration = Duration::from_secs(1);

/// Streams at once; one more is refused.
const MAX_STREAMS: usize = 32;

/// Threads that read `/proc`, which may take a while.
const BLOCKING_THREADS: usize = 2;

/// What does not change while the agent runs.
#[derive(Clone, Debug)]
pub struct About {
    /// This host's name.
    pub host: String,
    /// Their names.
    pub programs: Vec<&'static str>,
    /// Whether `/api/v1/events` has anything to tell.
    pub events: bool,
    /// Label sets of the container metrics.
    pub max_series: usize,
    /// Where metrics are pushed.
    pub push: Option<Target>,
}

/// What every route can see.
pub(crate) struct Desk {
    about: About,
    news: News,
    directory: Arc<Directory>,
    access: Access,
    counters: Counters,
    series: Series,
    streams: Arc<tokio::sync::Semaphore>,
    /// Streams end when it is cancelled.
    shutdown: CancellationToken,
}

/// A running server. Dropping it leaves it running; [`Server::stop`] ends it.
#[derive(Debug)]
pub struct Server {
    thread: thread::JoinHandle<()>,
    shutdown: CancellationToken,
}

impl Server {
    /// Starts to serve; the thread has this one's privileges, so drop those first.
    pub fn start(
        about: About,
        listeners: Listeners,
        access: Access,
        news: News,
        directory: Arc<Directory>,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS)
            .build()?;
        let shutdown = CancellationToken::new();
        let desk = Arc::new(Desk {
            series: Series::new(about.max_series),
            about,
            news,
            directory,
            access,
            counters: Counters::default(),
            streams: Arc::new(tokio::sync::Semaphore::new(MAX_STREAMS)),
            shutdown: shutdown.clone(),
        });
        let token = shutdown.clone();
        let thread = thread::Builder::new()
            .name("probe-serve".to_owned())
            .spawn(move || {
                if let Some(target) = desk.about.push.clone() {
                    runtime.spawn(otlp::push(target, Arc::clone(&desk), token.clone()));
                }
                if let Err(error) = runtime.block_on(connections::serve(listeners, &desk, &token)) {
                    warn!("the server has ended: {error}");
                }
                // A look at /proc may be under way; nobody waits for it any more.
                runtime.shutdown_background();
            })?;
        Ok(Self { thread, shutdown })
    }

    /// Ends it: streams end, answers under way have a second.
    pub fn stop(self) {
        self.shutdown.cancel();
        if self.thread.join().is_err() {
            warn!("the server's thread panicked");
        }
    }
}
