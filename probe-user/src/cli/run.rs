//! `probe run`: the daemon, and on a terminal a live table over it.

mod feed;
mod flags;
mod lines;
mod look;
pub(super) mod screen;

use std::{
    env,
    io::{self, IsTerminal as _},
    path::PathBuf,
    time::Duration,
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use tokio::time::timeout;
use tracing::{info, warn};

use super::{
    Until, announce,
    ecs::EcsArgs,
    filter::FilterArgs,
    print,
    shape::{ShapeArgs, TrafficArgs},
    stop::Stop,
};
use crate::{
    agent::{Agent, Options},
    config::{Config, ConfigError, LogFormat, Settings},
    filter::Kind,
    identity::EngineAddress,
    least, notify,
    sandbox::Walls,
    serve::{
        About, Server, Target,
        access::{Access, Tokens},
        listen::{ListenError, Listeners},
        news,
    },
    tls::{Acceptor, Files, TlsError},
    views::edges::Edges,
};
use feed::Feed;
use flags::Flags;
use look::Look;

/// How long the engines' tasks may take to end; with the server's second, well under five.
const STOP: Duration = Duration::from_secs(2);

/// Watch and serve what is seen, until told to end; on a terminal, show it live.
#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    until: Until,
    #[command(flatten)]
    ecs: EcsArgs,
    #[command(flatten)]
    shape: ShapeArgs,
    #[command(flatten)]
    traffic: TrafficArgs,
    #[command(flatten)]
    filter: FilterArgs,

    /// Take settings from this file; by default /etc/probe.toml if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print the settings, with where each comes from, and end.
    #[arg(long)]
    print_config: bool,

    /// What to do beside serving; by default screen on a terminal, else log.
    #[arg(short, long, value_enum)]
    output: Option<Output>,

    /// Edges to show, busiest first; all by default.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// How long a node without traffic stays on the screen by default.
const FADE: Duration = Duration::from_mins(1);

/// What `probe run` does beside serving.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// Draw a live table of edges.
    Screen,
    /// Print a line for each edge and interval that has news.
    Lines,
    /// Nothing but log what happens, to stderr.
    Log,
}

impl Run {
    /// Whether the command draws over the terminal.
    pub(super) fn draws(&self) -> bool {
        self.output() == Output::Screen && !self.print_config
    }

    /// How it logs; what is wrong with the settings is said when they are used.
    pub(super) fn log_format(&self) -> LogFormat {
        let settings = self.resolve().and_then(|config| Settings::of(&config));
        settings.map_or_else(|_| LogFormat::default(), |settings| settings.log_format)
    }

    fn output(&self) -> Output {
        self.output.unwrap_or_else(|| {
            if io::stdout().is_terminal() {
                Output::Screen
            } else {
                Output::Log
            }
        })
    }

    fn resolve(&self) -> Result<Config, ConfigError> {
        let environment = env::vars_os();
        let environment = environment.filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Config::resolve(self.config.as_deref(), environment, self.flags.given())
    }

    pub(super) async fn run(self) -> anyhow::Result<()> {
        let filter = self.filter.of(Kind::Edge)?.cloned();
        self.ecs.warn_of(filter.as_ref());
        let config = self.resolve()?;
        let settings = Settings::of(&config)?;
        if self.print_config {
            return print(&config.text());
        }
        let mut stop = Stop::new()?;
        let access = access(&settings)?;
        let push = Target::of(|name| env::var(name).ok())?;
        // Before anything is attached: what cannot be served is said at once.
        let listeners = self.listen(&settings, tls(&settings)?)?;
        let mut agent = Agent::start(&self.options(&settings)?)?;
        let walls = (!settings.no_sandbox).then(|| Walls::build(settings.socket.as_deref()));
        let files_are_denied = walls.is_some_and(|walls| walls.landlock);
        let left = least::drop_privileges(files_are_denied, || agent.can_read())?;

        let (newsroom, news) = news::channel();
        let about = About {
            host: agent.hostname().to_owned(),
            programs: agent.attached().to_vec(),
            events: settings.events,
            max_series: settings.max_series,
            push,
        };
        let doors = listeners.to_string();
        let directory = std::sync::Arc::clone(agent.directory());
        let server = Server::start(about, listeners, access, news, directory)
            .context("cannot start to serve")?;
        match (self.output(), settings.log_format) {
            (Output::Screen, _) => {}
            (_, LogFormat::Text) => announce(&agent),
            (_, LogFormat::Json) => info!(
                "tracing on {} with {} kernel programs",
                agent.hostname(),
                agent.attached().len()
            ),
        }
        let left = if left.is_empty() {
            "none".to_owned()
        } else {
            left.join(" ")
        };
        info!("serving on {doors}; capabilities left: {left}");
        if let Some(walls) = walls {
            info!("{walls}");
        } else {
            warn!("not confined: --no-sandbox");
        }
        notify::tell(notify::READY);
        stop.start(&self.until);

        let mut feed = Feed::new(agent, newsroom);
        let mut look = Look {
            edges: Edges::filtered(filter, feed.agent.hostname()),
            window: self.traffic.window(),
            interval: settings.interval,
            limit: self.limit.unwrap_or(usize::MAX),
        };
        let shown = match self.output() {
            Output::Screen => screen::show(&mut feed, &mut stop, &mut look).await,
            Output::Lines => lines::show(&mut feed, &mut stop, &mut look).await,
            Output::Log => log(&mut feed, &mut stop).await,
        };
        notify::tell(notify::STOPPING);
        let agent = feed.end();
        server.stop();
        if timeout(STOP, agent.stop()).await.is_err() {
            warn!("an engine did not let go in time");
        }
        info!("ended");
        shown
    }

    fn options(&self, settings: &Settings) -> anyhow::Result<Options> {
        let mut engines = settings.engines.clone();
        if engines.is_empty() {
            let docker_host = env::var("DOCKER_HOST").ok();
            engines.push(EngineAddress::choose(None, docker_host.as_deref())?);
        }
        // Only a screen forgets: who asks the API wants to know all.
        let fade = (self.output() == Output::Screen).then_some(FADE);
        Ok(Options {
            interval: settings.interval,
            max_flows: settings.max_flows,
            netns: None,
            engines,
            processes: settings.events,
            messages: None,
            connections: None,
            filter: None,
            files: false,
            traffic: true,
            ecs: Some(self.ecs.options()),
            show: self.traffic.show(self.shape.shape(), fade),
        })
    }

    /// Who only wants to look may do so beside the daemon, whose addresses are taken then.
    fn listen(&self, settings: &Settings, tls: Option<Acceptor>) -> Result<Listeners, ListenError> {
        let looks = self.output() != Output::Log;
        let forgive = |asked: bool, result: Result<(), ListenError>| match result {
            Err(error) if looks && !asked => {
                warn!("{error}");
                Ok(())
            }
            result => result,
        };
        let mut listeners = Listeners::default();
        if let Some(address) = settings.listen {
            let bound = listeners.tcp(address, settings.token_file.is_some(), tls);
            forgive(settings.listen_asked, bound)?;
        }
        if let Some(path) = &settings.socket {
            let bound = listeners.unix(path, settings.socket_group.as_deref());
            forgive(settings.socket_asked, bound)?;
        }
        Ok(listeners)
    }
}

fn access(settings: &Settings) -> anyhow::Result<Access> {
    let tokens = settings
        .token_file
        .as_deref()
        .map(Tokens::read)
        .transpose()?;
    let mut hosts = settings.allow_host.clone();
    hosts.push(crate::agent::machine::hostname());
    Ok(Access::new(tokens, hosts))
}

/// What the TCP side shakes hands with, if it does.
fn tls(settings: &Settings) -> Result<Option<Acceptor>, TlsError> {
    let files = Files::of(
        settings.tls_cert.clone(),
        settings.tls_key.clone(),
        settings.tls_client_ca.clone(),
    )?;
    files.as_ref().map(Acceptor::read).transpose()
}

async fn log(feed: &mut Feed, stop: &mut Stop) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = stop.asked() => return Ok(()),
            ticked = feed.tick() => ticked?,
        }
    }
}
