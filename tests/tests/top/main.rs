//! `probe top` on a real engine: its figures against the kernel's, Docker's and the workload's own.
//!
//! The machine may be busy: nothing here depends on how much of it a container gets, but on what
//! it has used by the kernel's account.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod cpu;
mod memory;
mod printed;
mod rates;
mod screen;

use std::time::Duration;

use probe_tests::{Container, Engine, Probe, image};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);
/// `USER_HZ`, the unit of times in `/proc`.
const TICKS: f64 = 100.0;

/// The lines that a probe printed of what is called so, in order.
fn lines(printed: &str, key: &str, name: &str) -> Vec<Value> {
    let all = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    all.filter(|line: &Value| line[key] == name).collect()
}

fn number(line: &Value, key: &str) -> f64 {
    line[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} of {line:#}"))
}

/// A line's time, in seconds of its day.
fn time(line: &Value) -> f64 {
    let text = line["time"].as_str().unwrap();
    let clock = text.split_once('T').unwrap().1.trim_end_matches('Z');
    clock
        .split(':')
        .fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap())
}

/// A busybox shell that runs `script`.
fn shell<'engine>(
    engine: &'engine Engine,
    name: &str,
    options: &[&str],
    script: &str,
) -> Container<'engine> {
    let mut start = Container::of(engine, &image::BUSYBOX, name).unwrap();
    for option in options {
        start = start.option(option);
    }
    start.command(["sh", "-c", script]).run().unwrap()
}

/// CPU seconds of a container's first process: its own, and of its children that it waited for.
fn used(container: &Container<'_>) -> (f64, f64) {
    let pid = container.inspect("{{.State.Pid}}").unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, after) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = after.split_whitespace().collect();
    // Fields 14 to 17 of proc(5), of which 3 is the first here.
    let ticks = |field: usize| fields[field - 3].parse::<f64>().unwrap();
    (
        (ticks(14) + ticks(15)) / TICKS,
        (ticks(16) + ticks(17)) / TICKS,
    )
}

fn top(engine: &Engine, args: &[&str]) -> Probe {
    let words = ["top"].iter().chain(args).chain(&["-o", "json"]);
    Probe::start(engine, words).unwrap()
}
