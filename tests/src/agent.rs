//! `probe run` as a daemon, with doors of its own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, fs, process};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::engine::Engine;
use crate::http::Door;
use crate::probe::Probe;
use crate::wait;

/// Everything is attached and served within that.
const READY_DEADLINE: Duration = Duration::from_secs(20);

/// What has been said is in the graph within that.
const WHOLE_DEADLINE: Duration = Duration::from_secs(20);

/// A running daemon; killed when dropped.
#[derive(Debug)]
pub struct Agent {
    /// Its process.
    pub probe: Probe,
    /// Its address.
    pub tcp: Door,
    /// Its unix socket.
    pub unix: Door,
    /// Where that is.
    pub socket: PathBuf,
    /// Dropped last: the socket is in it.
    _room: Room,
}

impl Agent {
    /// Starts `probe run ARGS` on an engine, looking often, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it is not ready in time: with all of its stderr.
    pub fn start(engine: &Engine, args: &[&str]) -> Result<Self> {
        Self::start_with(engine, args, &[])
    }

    /// The same, with more variables in its environment.
    ///
    /// # Errors
    ///
    /// When it is not ready in time: with all of its stderr.
    pub fn start_with(engine: &Engine, args: &[&str], env: &[(&str, &str)]) -> Result<Self> {
        let room = Room::take()?;
        let socket = room.0.join("probe.sock");
        let path = socket.to_str().context("a temporary path is not UTF-8")?;
        let own = ["run", "--listen", "127.0.0.1:0", "--socket", path];
        let own = own.iter().chain(&["--interval", "200ms"]);
        let probe = Probe::start_with(engine, own.chain(args), env)?;
        probe.wait_for_stderr("serving on http://", READY_DEADLINE)?;
        let said = probe.stderr();
        let address = said.split("serving on http://").nth(1);
        let address = address.and_then(|rest| rest.split(' ').next());
        let tcp = Door::Tcp(address.context("it says no address")?.parse()?);
        wait::until("the agent is ready", READY_DEADLINE, || {
            Ok((tcp.get("/readyz", &[])?.status == 200).then_some(()))
        })?;
        Ok(Self {
            probe,
            tcp,
            unix: Door::Unix(socket.clone()),
            socket,
            _room: room,
        })
    }
}

/// The edge to port 7000 as a door tells of it, once so many of its connections have ended.
///
/// # Errors
///
/// When the door does not answer, or they do not end in time.
pub fn whole_edge(door: &Door, connections: u64) -> Result<Value> {
    wait::until("the edge is whole", WHOLE_DEADLINE, || {
        let graph = door.get("/api/v1/graph", &[])?.json()?;
        let edges = graph["edges"].as_array().context("a graph has edges")?;
        let mut edges = edges.iter().filter(|edge| edge["port"] == 7000);
        Ok(edges
            .find(|edge| edge["connections_closed"] == connections)
            .cloned())
    })
}

/// Waits until a node of the graph, as a door tells of it, has that name: the engine may tell of a container
/// after its connections have come.
///
/// # Errors
///
/// When the door does not answer, or no node gets it in time.
pub fn is_named(door: &Door, name: &str) -> Result<()> {
    wait::until(&format!("{name} has its name"), WHOLE_DEADLINE, || {
        let graph = door.get("/api/v1/graph", &[])?.json()?;
        let nodes = graph["nodes"].as_array().context("a graph has nodes")?;
        Ok(nodes.iter().any(|node| node["name"] == name).then_some(()))
    })
}

/// A directory of one's own, removed when dropped.
#[derive(Debug)]
pub(crate) struct Room(pub(crate) PathBuf);

impl Room {
    /// One that nobody else in this process has.
    pub(crate) fn take() -> Result<Self> {
        static TAKEN: AtomicU32 = AtomicU32::new(0);
        let number = TAKEN.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("probe-room-{}-{number}", process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
