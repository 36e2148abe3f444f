//! `--by`, `--external`, `--window` and their like: what a graph shows, the same in every command.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::{
    agent::Show,
    topology::{Externals, Level, Shape, external::MAX_EXTERNALS},
};

/// Which nodes there are.
#[derive(Args, Debug)]
pub(super) struct ShapeArgs {
    /// What the nodes of this host are; a node that is no part of such a thing stays what it is.
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = By::Container)]
    by: By,

    /// What addresses elsewhere are: `address`, each its own; `net/24`, one of each network;
    /// `name`, one of each name where there is one; `collapse`, one of all public ones, of all
    /// private ones and so on.
    #[arg(long, value_name = "HOW", default_value_t = Externals::Address)]
    external: Externals,

    /// External nodes to show; those with the least traffic are one, called `other`.
    #[arg(long, value_name = "N", default_value_t = MAX_EXTERNALS,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    max_external: usize,
}

/// What a node of this host is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum By {
    /// A command, also within a container.
    Process,
    /// A container.
    Container,
    /// An ECS task.
    Task,
    /// An ECS service.
    Service,
    /// An image.
    Image,
    /// A host.
    Host,
}

impl ShapeArgs {
    pub(super) const fn shape(&self) -> Shape {
        Shape {
            level: match self.by {
                By::Process => Level::Process,
                By::Container => Level::Container,
                By::Task => Level::Task,
                By::Service => Level::Service,
                By::Image => Level::Image,
                By::Host => Level::Host,
            },
            externals: self.external,
            max_externals: self.max_external,
        }
    }
}

/// Which traffic there is, while one watches.
#[derive(Args, Debug)]
pub(super) struct TrafficArgs {
    /// Count only what came within this long, such as 15s; by default all since the start.
    #[arg(long, value_name = "TIME", value_parser = at_least_a_second)]
    window: Option<Duration>,

    /// Leave out nodes that have had no traffic for this long, or `never`.
    #[arg(long, value_name = "TIME", value_parser = fade)]
    fade: Option<Fade>,

    /// Show each docker-proxy as a process of its own, between two edges.
    #[arg(long)]
    show_proxies: bool,
}

/// When a node is left out.
#[derive(Clone, Copy, Debug)]
struct Fade(Option<Duration>);

fn at_least_a_second(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time < Duration::from_secs(1) {
        return Err("it must be 1s or more".to_owned());
    }
    Ok(time)
}

fn fade(text: &str) -> Result<Fade, String> {
    if text == "never" {
        return Ok(Fade(None));
    }
    at_least_a_second(text).map(|time| Fade(Some(time)))
}

impl TrafficArgs {
    /// How far back traffic counts.
    pub(super) const fn window(&self) -> Option<Duration> {
        self.window
    }

    /// What is shown; nodes fade after `fade` unless it is said otherwise.
    pub(super) fn show(&self, shape: Shape, fade: Option<Duration>) -> Show {
        Show {
            shape,
            proxies: self.show_proxies,
            window: self.window,
            fade: self.fade.map_or(fade, |Fade(time)| time),
        }
    }
}
