//! A container engine as a source of facts: Docker, or Podman behind Docker's API.
//!
//! [`watch`] subscribes to the engine's events, lists what runs, and keeps a [`Directory`] up to
//! date until it is told to stop. An engine that is not there is waited for; nothing waits for
//! the engine.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::query_parameters::{EventsOptions, InspectContainerOptions, ListContainersOptions};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch as state_channel;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::backoff::Backoff;
use super::container::ContainerId;
use super::directory::Directory;
use super::layout::Runtime;

mod address;
mod follow;
mod wire;

pub use address::{BadEngineAddress, DEFAULT_SOCKET, EngineAddress};
use follow::Follower;

/// Asked of the engine beyond what it has already sent: events of this long before a session
/// began are sent again, so that none is lost between subscription and list.
const OVERLAP: SignedDuration = SignedDuration::from_secs(1);

/// Between two attempts to reach an engine.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Whether an engine answers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum EngineState {
    /// Not tried yet.
    #[default]
    Connecting,
    /// Its containers are known and its events followed.
    Connected {
        /// What the engine calls its version, such as `27.3.1`.
        version: String,
    },
    /// It does not answer; it is tried again and again.
    Unreachable {
        /// Since when.
        since: Timestamp,
        /// Why, as of the first attempt that failed.
        reason: String,
    },
}

/// Why a session with an engine ended.
#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error("{0}")]
    Engine(#[from] bollard::errors::Error),
    #[error("the engine closed its event stream")]
    StreamEnded,
}

/// Keeps `directory` up to date with the engine at `address` until `shutdown`.
///
/// Whether the engine answers is in `state`, and is logged once for each change. An engine that
/// does not answer, or goes away, is tried again after 250 ms, later after up to 5 s; when it is
/// back its containers are listed afresh, and those it no longer has are ended.
pub async fn watch(
    address: EngineAddress,
    directory: Arc<Directory>,
    state: state_channel::Sender<EngineState>,
    shutdown: CancellationToken,
) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    let mut since = Timestamp::now();
    loop {
        let mut session = Session {
            address: &address,
            directory: &directory,
            state: &state,
            since: &mut since,
        };
        let error = tokio::select! {
            () = shutdown.cancelled() => return,
            Err(error) = session.run() => error,
        };
        if matches!(*state.borrow(), EngineState::Connected { .. }) {
            backoff.reset();
        }
        lost(&address, &state, &error);
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(backoff.next()) => {}
        }
    }
}

fn lost(address: &EngineAddress, state: &state_channel::Sender<EngineState>, error: &SessionError) {
    let reason = cause(error);
    if matches!(*state.borrow(), EngineState::Unreachable { .. }) {
        debug!("still no Docker engine at {address}: {reason}");
        return;
    }
    warn!(
        "no Docker engine at {address} ({reason}): containers appear by id and cgroup path, and by \
         name as soon as it answers; set DOCKER_HOST if it listens elsewhere"
    );
    state.send_replace(EngineState::Unreachable {
        since: Timestamp::now(),
        reason,
    });
}

/// The innermost cause: hyper wraps the telling one, such as "Permission denied", in several that
/// say only that something failed.
fn cause(error: &SessionError) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// From one connect to the loss of it.
struct Session<'a> {
    address: &'a EngineAddress,
    directory: &'a Arc<Directory>,
    state: &'a state_channel::Sender<EngineState>,
    /// The engine's time of the last event seen, over all sessions.
    since: &'a mut Timestamp,
}

impl Session<'_> {
    /// Never `Ok`: a session ends when the engine does.
    async fn run(&mut self) -> Result<std::convert::Infallible, SessionError> {
        let docker = self.address.connect()?.negotiate_version().await?;
        let version = docker.version().await?;
        let runtime = wire::runtime(&version);
        let mut follower = Follower::new(
            Arc::clone(self.directory),
            self.address.to_string().into(),
            runtime,
        );
        let mut events = std::pin::pin!(docker.events(Some(self.subscription())));
        let mut list = std::pin::pin!(docker.list_containers(Some(ListContainersOptions {
            all: true,
            ..Default::default()
        })));
        let mut listed = false;
        let mut answers = FuturesUnordered::new();
        loop {
            tokio::select! {
                event = events.next() => {
                    let event = event.ok_or(SessionError::StreamEnded)??;
                    if let Some(event) = wire::event(event) {
                        // Its own clock may have been set back.
                        *self.since = event.at;
                        follower.event(event, Instant::now());
                    }
                }
                containers = &mut list, if !listed => {
                    listed = true;
                    let engine = follower.engine();
                    let containers = containers?;
                    let containers = containers.into_iter()
                        .filter_map(|summary| wire::summary(summary, &engine, runtime))
                        .collect();
                    follower.listed(containers, Instant::now());
                    self.connected(version.version.clone().unwrap_or_default());
                }
                Some((id, facts)) = answers.next(), if !answers.is_empty() => {
                    follower.answered(&id, facts, Instant::now());
                }
            }
            while let Some(id) = follower.next_question() {
                answers.push(inspect(docker.clone(), follower.engine(), runtime, id));
            }
        }
    }

    fn subscription(&self) -> EventsOptions {
        // None of what is to come, where our clock was set back.
        let since = (*self.since).min(Timestamp::now());
        let since = since.saturating_sub(OVERLAP).unwrap_or(since);
        EventsOptions {
            since: Some(format!(
                "{}.{:09}",
                since.as_second(),
                since.subsec_nanosecond()
            )),
            until: None,
            filters: Some(wire::event_filters()),
        }
    }

    fn connected(&self, version: String) {
        let address = self.address;
        if matches!(*self.state.borrow(), EngineState::Unreachable { .. }) {
            info!("the Docker engine at {address} answers: version {version}");
        } else {
            debug!("Docker engine at {address}: version {version}");
        }
        self.state.send_replace(EngineState::Connected { version });
    }
}

async fn inspect(
    docker: Docker,
    engine: Arc<str>,
    runtime: Runtime,
    id: ContainerId,
) -> (ContainerId, Option<super::Facts>) {
    let answer = docker
        .inspect_container(id.as_str(), None::<InspectContainerOptions>)
        .await;
    let facts = match answer {
        Ok(answer) => wire::inspection(answer, &engine, runtime),
        Err(error) => {
            // Most often it is gone already; what the events told stands.
            debug!("cannot inspect {}: {error}", id.short());
            None
        }
    };
    (id, facts)
}
