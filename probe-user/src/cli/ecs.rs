//! `probe ecs`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Until, engines::EngineArgs, print, stop::Stop};
use crate::{
    agent::machine::hostname,
    export::ecs as json,
    filter::{Field, Filter},
    identity::{
        Directory, Ecs,
        ecs::{AGENT_ADDRESS, Access, Options},
        engines::Engines,
    },
    views::ecs as tables,
};

/// How long ECS is waited for before what is known is printed.
const SETTLE: Duration = Duration::from_secs(15);
/// How often the directory forgets while `--duration` passes.
const SWEEP: Duration = Duration::from_secs(1);

/// Print the ECS tasks and services of this host's containers; needs Docker, no privileges.
#[derive(Args, Debug)]
pub struct EcsCommand {
    #[command(flatten)]
    engines: EngineArgs,
    #[command(flatten)]
    ecs: EcsArgs,
    #[command(flatten)]
    until: Until,

    /// How to print them.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,

    /// Also print the API calls made, by operation, those saved by the cache, and those throttled.
    #[arg(long)]
    stats: bool,
}

/// How ECS is asked, the same in every command.
#[derive(Args, Debug)]
pub struct EcsArgs {
    /// How often the services of this host's tasks are refreshed.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = at_least_a_second)]
    ecs_refresh: Duration,

    /// Whom to ask about tasks.
    #[arg(long, value_name = "WHO", value_enum, default_value_t = EcsSource::Aws)]
    ecs_source: EcsSource,
}

/// Whom to ask about tasks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum EcsSource {
    /// AWS, with credentials, region and endpoint where its SDK finds them.
    Aws,
    /// This host's ECS agent, which knows tasks but no services.
    Agent,
}

/// How tasks and services are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// A container a line, then a service a line.
    Table,
    /// One document, schema probe.ecs/v1.
    Json,
}

fn at_least_a_second(text: &str) -> Result<Duration, String> {
    let period = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if period < Duration::from_secs(1) {
        return Err("it must be 1s or more: AWS answers some 20 calls a second".to_owned());
    }
    Ok(period)
}

fn asks_for_services(filter: &Filter) -> bool {
    filter.fields().contains(&Field::EcsService)
}

impl EcsArgs {
    /// The same where a filter asks for what ECS alone knows.
    #[must_use]
    pub fn asked_by(&self, filter: Option<&Filter>) -> Option<Options> {
        self.warn_of(filter);
        filter
            .is_some_and(asks_for_services)
            .then(|| self.options())
    }

    /// Warns if a filter asks for what nobody will tell.
    pub fn warn_of(&self, filter: Option<&Filter>) {
        if self.ecs_source == EcsSource::Agent && filter.is_some_and(asks_for_services) {
            warn!(
                "the ECS agent knows no services, so nothing has an ecs.service: ask AWS, with \
                 --ecs-source aws"
            );
        }
    }

    /// What was asked for, and defaults for the rest.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            access: match self.ecs_source {
                EcsSource::Aws => Access::Sdk,
                EcsSource::Agent => Access::Agent(AGENT_ADDRESS),
            },
            refresh: self.ecs_refresh,
            ..Options::default()
        }
    }
}

impl EcsCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let addresses = self.engines.addresses()?;
        let mut stop = Stop::new()?;
        stop.start(&self.until);

        let directory = Arc::new(Directory::default());
        let shutdown = CancellationToken::new();
        let mut engines = Engines::follow(&addresses, &directory);
        let ecs = Ecs::spawn(Arc::clone(&directory), self.ecs.options(), shutdown.clone());
        let followed = self.follow(&mut stop, &mut engines, &directory, &ecs).await;
        let text = followed.and_then(|()| self.text(&ecs));
        shutdown.cancel();
        engines.end().await;
        ecs.ended().await;
        print(&text?)
    }

    /// Until it is time to print.
    async fn follow(
        &self,
        stop: &mut Stop,
        engines: &mut Engines,
        directory: &Directory,
        ecs: &Ecs,
    ) -> anyhow::Result<()> {
        tokio::select! {
            () = stop.asked() => return Ok(()),
            () = engines.tried() => {}
        }
        // Of several, those that answer will do.
        if !engines.any_answers()
            && let Some(reason) = engines.trouble()
        {
            bail!(
                "no Docker engine ({reason}): start it, or say with --engine or DOCKER_HOST where it listens"
            );
        }
        if self.until.duration.is_none() {
            tokio::select! {
                () = stop.asked() => {}
                // Late answers are shown by their absence.
                _ = tokio::time::timeout(SETTLE, ecs.settled()) => {}
            }
            return Ok(());
        }
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                () = stop.asked() => return Ok(()),
                _ = sweep.tick() => directory.sweep(Instant::now()),
            }
        }
    }

    fn text(&self, ecs: &Ecs) -> anyhow::Result<String> {
        let here = ecs.here();
        let stats = self.stats.then(|| ecs.stats());
        match self.output {
            Output::Table => {
                let mut text = tables::tables(&here);
                if let Some(stats) = stats {
                    text.push('\n');
                    text.push_str(&tables::stats(&stats));
                }
                Ok(text)
            }
            Output::Json => {
                let mut text = Vec::new();
                json::write(&here, stats.as_ref(), &hostname(), &mut text)?;
                Ok(String::from_utf8(text)?)
            }
        }
    }
}
