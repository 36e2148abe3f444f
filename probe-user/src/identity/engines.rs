//! Several engines, followed at once into one directory.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::directory::Directory;
use super::engine::{self, EngineAddress, EngineState};

/// The engines that are followed. Dropping it ends their tasks at once, [`Engines::end`] in order.
#[derive(Debug)]
pub struct Engines {
    states: Vec<watch::Receiver<EngineState>>,
    tasks: JoinSet<()>,
    shutdown: CancellationToken,
}

impl Engines {
    /// Starts to follow each of them; must be called within a tokio runtime.
    #[must_use]
    pub fn follow(addresses: &[EngineAddress], directory: &Arc<Directory>) -> Self {
        let shutdown = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let states = addresses
            .iter()
            .map(|address| {
                let (state, receiver) = watch::channel(EngineState::default());
                let directory = Arc::clone(directory);
                tasks.spawn(engine::watch(
                    address.clone(),
                    directory,
                    state,
                    shutdown.clone(),
                ));
                receiver
            })
            .collect();
        Self {
            states,
            tasks,
            shutdown,
        }
    }

    /// Returns once each has answered or failed to. May be dropped while it waits.
    pub async fn tried(&mut self) {
        for state in &mut self.states {
            // An error says that the engine's task has ended: it will not answer.
            let _ = state
                .wait_for(|state| *state != EngineState::Connecting)
                .await;
        }
    }

    /// Whether any may yet tell more.
    #[must_use]
    pub fn any_answers(&self) -> bool {
        self.states
            .iter()
            .any(|state| !matches!(*state.borrow(), EngineState::Unreachable { .. }))
    }

    /// Why the first engine that does not answer does not.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.states.iter().find_map(|state| match &*state.borrow() {
            EngineState::Unreachable { reason, .. } => Some(reason.clone()),
            _ => None,
        })
    }

    /// Ends what was started, and waits for it.
    pub async fn end(mut self) {
        self.shutdown.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                warn!("an engine's task ended badly: {error}");
            }
        }
    }
}
