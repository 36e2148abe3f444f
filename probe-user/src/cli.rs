//! The command line: what each command takes, and what its words mean everywhere.

pub mod completions;
pub mod doctor;
pub mod ecs;
pub mod engines;
pub mod events;
pub mod filter;
pub mod graph;
pub mod man;
pub mod ps;
mod remote;
pub mod run;
mod shape;
mod stop;
pub mod top;
pub mod traffic;

use std::{fmt, fs, io, os::unix::fs::MetadataExt as _, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use crate::{
    agent::{Agent, Options, Show},
    config::LogFormat,
    filter::Filter,
    ids::NetNs,
    kernel::{connections::Watch, messages::Capture},
    remote::Remote,
};
use ecs::EcsArgs;
use engines::EngineArgs;
use probe_ebpf::flow::MAX_FLOWS;

/// As many flows as the kernel programs are built for.
const DEFAULT_MAX_FLOWS: u32 = 65_536;
const _: () = assert!(DEFAULT_MAX_FLOWS as usize == MAX_FLOWS);

/// What talks to what, how much, and which process did it.
#[derive(Debug, Parser)]
#[command(name = "probe", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `probe` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch for a while, then print who talked to whom.
    Graph(graph::Graph),
    /// Watch and serve what is seen, until told to end; on a terminal, show it live.
    Run(run::Run),
    /// Show live who uses how much: CPU, memory, network; into a pipe, plain tables.
    Top(top::Top),
    /// List processes with their containers.
    Ps(ps::Ps),
    /// Print programs run, connections made and ended, containers started, as it happens.
    Events(events::Events),
    /// Print what containers and processes say to each other, as they say it.
    Traffic(traffic::Traffic),
    /// Check a filter, or list the fields of filters.
    Filter(filter::FilterCommand),
    /// Print the ECS tasks and services of this host's containers; needs Docker, no privileges.
    Ecs(ecs::EcsCommand),
    /// Try what the probe can know on this machine; exit code 1 if it cannot do its main job.
    Doctor(doctor::Doctor),
    /// Print what lets a shell complete this command line.
    Completions(completions::Completions),
    /// Write the manual pages of every command into a directory.
    Man(man::Man),
}

impl Command {
    /// Whether the command draws over the terminal, so that nothing else may write to it.
    #[must_use]
    pub fn draws(&self) -> bool {
        match self {
            Self::Run(run) => run.draws(),
            Self::Top(top) => top.draws(),
            _ => false,
        }
    }

    /// How the command logs.
    #[must_use]
    pub fn log_format(&self) -> LogFormat {
        match self {
            Self::Run(run) => run.log_format(),
            _ => LogFormat::default(),
        }
    }

    /// Whether it gives up privileges, which it can do for one thread only.
    #[must_use]
    pub fn needs_one_thread(&self) -> bool {
        matches!(self, Self::Run(_))
    }

    /// Runs the command to its end; what it exits with if that is no error.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Graph(graph) => return graph.run().await,
            Self::Doctor(doctor) => return doctor.run().await,
            Self::Run(run) => Box::pin(run.run()).await?,
            Self::Top(top) => top.run().await?,
            Self::Events(events) => events.run().await?,
            Self::Traffic(traffic) => traffic.run().await?,
            Self::Ps(ps) => ps.run().await?,
            Self::Filter(filter) => filter.run()?,
            Self::Ecs(ecs) => ecs.run().await?,
            Self::Completions(completions) => completions.run()?,
            Self::Man(man) => man.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Where the names of containers come from: all that some commands need beside the kernel.
#[derive(Args, Debug)]
pub struct Source {
    #[command(flatten)]
    engines: EngineArgs,
    #[command(flatten)]
    ecs: EcsArgs,
}

/// Where flows come from, and what is known of their ends.
#[derive(Args, Debug)]
pub struct FlowSource {
    #[command(flatten)]
    source: Source,

    /// Flows to keep at once; what does not fit is counted as lost.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_FLOWS,
          value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    max_flows: u32,

    /// Look only at sockets of the network namespace that the probe runs in.
    #[arg(long)]
    own_netns: bool,
}

/// When to stop.
#[derive(Args, Debug)]
pub struct Until {
    /// Stop after this long, such as 10s or 5m; by default on Ctrl-C.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
}

/// What of the kernel's news a command wants.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    /// Containers' coming and going alone.
    Names,
    Traffic,
    /// The same, and room for what is used of files.
    Screen,
    /// Names, and what is used of files.
    Files,
    /// Of these connections too, one by one.
    Records(Option<Watch>),
    Messages(Capture),
}

impl Source {
    /// Starts an agent that may pass over what the filter keeps back, and says so: `tracing …` on
    /// stderr, once everything is attached.
    fn start(
        &self,
        wanted: Wanted,
        filter: Option<&Filter>,
        interval: Duration,
    ) -> anyhow::Result<Agent> {
        let options = self.options(wanted, Show::default(), interval)?;
        let options = Options {
            filter: filter.cloned(),
            ecs: self.ecs.asked_by(filter),
            ..options
        };
        start(&options, false)
    }

    fn options(&self, wanted: Wanted, show: Show, interval: Duration) -> anyhow::Result<Options> {
        Ok(Options {
            interval,
            max_flows: DEFAULT_MAX_FLOWS,
            netns: None,
            engines: self.engines.addresses()?,
            processes: matches!(wanted, Wanted::Records(_)),
            traffic: matches!(wanted, Wanted::Traffic | Wanted::Screen),
            files: matches!(wanted, Wanted::Screen | Wanted::Files),
            messages: match wanted {
                Wanted::Messages(capture) => Some(capture),
                _ => None,
            },
            connections: match wanted {
                Wanted::Records(watch) => watch,
                _ => None,
            },
            filter: None,
            ecs: None,
            show,
        })
    }
}

impl FlowSource {
    /// Starts an agent, and unless it is to be `quiet` says so. `filter` is what of it is shown.
    fn start(
        &self,
        wanted: Wanted,
        filter: Option<&Filter>,
        show: Show,
        interval: Duration,
        quiet: bool,
    ) -> anyhow::Result<Agent> {
        let options = self.source.options(wanted, show, interval)?;
        let options = Options {
            max_flows: self.max_flows,
            netns: self.own_netns.then(own_netns).transpose()?,
            // Only nodes tell of tasks, and who is asked for a service: nobody else would read the answers.
            ecs: if options.traffic {
                self.source.ecs.warn_of(filter);
                Some(self.source.ecs.options())
            } else {
                self.source.ecs.asked_by(filter)
            },
            ..options
        };
        start(&options, quiet)
    }
}

fn start(options: &Options, quiet: bool) -> anyhow::Result<Agent> {
    let mut agent = Agent::start(options)?;
    // A screen asks for them when it shows them.
    if options.files && !options.traffic {
        agent.watch_files()?;
    }
    if !quiet {
        announce(&agent);
    }
    Ok(agent)
}

/// The network namespace that we are in.
fn own_netns() -> anyhow::Result<NetNs> {
    const FILE: &str = "/proc/self/ns/net";
    let file = fs::metadata(FILE).with_context(|| format!("cannot look at {FILE}"))?;
    Ok(NetNs(u32::try_from(file.ino())?))
}

/// The one line that commands promise.
fn announce(agent: &Agent) {
    say(format_args!(
        "tracing on {} with {} kernel programs; Ctrl-C ends it",
        agent.hostname(),
        agent.attached().len()
    ));
}

/// The same, of who asks an agent.
fn announce_remote(remote: &Remote) {
    say(format_args!(
        "tracing by the agent at {}; Ctrl-C ends it",
        remote.address()
    ));
}

/// An error that exits with 2: wrong usage that only shows late, or a comparison that could not be
/// made, whose 1 means that there are differences.
#[derive(Debug)]
struct Trouble(anyhow::Error);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for Trouble {}

/// What a command that failed exits with.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<Trouble>() {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}

/// Whether `error` says that who read our output has gone, which is no error.
#[must_use]
pub fn reader_is_gone(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// A line on stderr, where all but data goes. If there is no room for it, nobody is left to tell.
pub fn say(line: fmt::Arguments<'_>) {
    use io::Write as _;
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes to stdout, whole.
fn print(text: &str) -> anyhow::Result<()> {
    use io::Write as _;
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// A runtime with as few threads as the agent needs: one that works, one that must not wait; or
/// none but the caller's.
pub fn runtime(one_thread: bool) -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = if one_thread {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    /// Names in `conflicts_with` and the like are checked in debug builds only.
    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
