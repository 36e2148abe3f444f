//! Graphs from files.

use std::{fs, io};

use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::{
    cli::Trouble,
    export::{Snapshot, json},
    topology::merge::merge,
};

/// Stands for stdin.
const STDIN: &str = "-";

/// Saved graphs to work on, instead of watching.
#[derive(Args, Debug)]
pub(super) struct Files {
    /// Take the graph from this file (JSON; - is stdin) instead of watching.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["merge", "diff", "duration", "engine", "max_flows", "own_netns", "ecs_refresh", "ecs_source", "window", "fade", "show_proxies"])]
    input: Option<String>,

    /// Make one graph of those that several hosts saved.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["diff", "duration", "engine", "max_flows", "own_netns", "ecs_refresh", "ecs_source", "window", "fade", "show_proxies"])]
    merge: Option<Vec<String>>,

    /// Print what changed from graph A to graph B; exits with 1 if anything did, else with 0.
    #[arg(long, value_names = ["A", "B"], num_args = 2, conflicts_with_all = ["question", "duration", "engine", "max_flows", "own_netns", "ecs_refresh", "ecs_source", "window", "fade", "show_proxies"])]
    diff: Option<Vec<String>>,
}

impl Files {
    /// The files to compare.
    pub(super) fn compared(&self) -> Option<(&str, &str)> {
        match self.diff.as_deref() {
            Some([before, after]) => Some((before, after)),
            _ => None,
        }
    }

    /// The graph to work on; `None` if it is to be watched.
    pub(super) fn read(&self) -> anyhow::Result<Option<Snapshot>> {
        if let Some(paths) = &self.merge {
            if paths.iter().filter(|path| *path == STDIN).count() > 1 {
                return Err(Trouble(anyhow!("stdin can be merged only once")).into());
            }
            let snapshots: Vec<_> = paths
                .iter()
                .map(|path| read(path))
                .collect::<Result<_, _>>()?;
            return Ok(Some(merge(&snapshots)?));
        }
        self.input.as_deref().map(read).transpose()
    }
}

/// The graph in the file at `path`.
pub(super) fn read(path: &str) -> anyhow::Result<Snapshot> {
    let text = if path == STDIN {
        io::read_to_string(io::stdin()).context("cannot read stdin")?
    } else {
        fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?
    };
    let name = if path == STDIN { "stdin" } else { path };
    json::read(&text).with_context(|| format!("{name} cannot be used"))
}
