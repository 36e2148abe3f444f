//! Brief containers, a few at a time: each connects to a server once, lives on for 50 to 200 ms, and
//! is gone.
//!
//! They are asked for over the engine's API: in an emulated machine a `docker` takes as long as half
//! a container.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::http::Door;
use crate::image;
use crate::probe::Graph;

/// Each has a label of its own.
const LABEL: &str = "com.example.brief";

/// Runs so many, `at_once` of them at a time, each of which connects to `to` over what Docker calls a
/// network mode: a network's name, or `container:` and a container's.
///
/// # Errors
///
/// When one fails: with its name.
pub fn run(engine: &Engine, mode: &str, to: &str, containers: usize, at_once: usize) -> Result<()> {
    let image = engine.image(&image::WORKLOAD)?;
    let door = engine.door();
    let next = AtomicUsize::new(0);
    let one_by_one = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= containers {
                return Ok(());
            }
            let pause = (50 + number * 150 / containers).to_string();
            let what = json!({
                "Image": image,
                "Cmd": ["connect", "--to", to, "--pause", pause],
                "Labels": { LABEL: name(number) },
                "HostConfig": { "NetworkMode": mode },
            });
            let name = name(number);
            live(&door, &name, &what).with_context(|| format!("{name} failed"))?;
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(one_by_one)).collect();
        threads.into_iter().try_for_each(|thread| {
            let ended = thread.join();
            ended.map_err(|_| anyhow!("a thread panicked"))?
        })
    })
}

/// From its creation to its removal.
fn live(door: &Door, name: &str, what: &Value) -> Result<()> {
    let ask = |method: &str, path: &str, body: &Value| {
        let answer = door.ask(method, path, body)?;
        let is_done = (200..300).contains(&answer.status);
        ensure!(
            is_done,
            "{method} {path}: {} {}",
            answer.status,
            answer.text()
        );
        Ok(answer)
    };
    ask("POST", &format!("/containers/create?name={name}"), what)?;
    ask("POST", &format!("/containers/{name}/start"), &Value::Null)?;
    let ended = ask("POST", &format!("/containers/{name}/wait"), &Value::Null)?;
    let ended = ended.json()?;
    ensure!(ended["StatusCode"] == 0, "it ended with {ended}");
    ask("DELETE", &format!("/containers/{name}"), &Value::Null)?;
    Ok(())
}

/// That each of them has its name, its image, its label and one connection to port 7000 of `server`.
///
/// # Errors
///
/// When one has not: with its name.
pub fn check(graph: &Graph, containers: usize) -> Result<()> {
    for number in 0..containers {
        let name = name(number);
        let edge = graph.edge(&name, "server", 7000);
        let edge = edge.with_context(|| format!("no edge from {name}: {:#}", graph.json))?;
        ensure!(edge["connections_opened"] == 1, "{name}: {edge:#}");
        let node = graph.node(&name);
        let node = node.with_context(|| format!("no node {name}"))?;
        ensure!(node["image"] == "workload", "{node:#}");
        ensure!(node["labels"][LABEL] == name, "{node:#}");
    }
    Ok(())
}

fn name(number: usize) -> String {
    format!("brief-{number}")
}
