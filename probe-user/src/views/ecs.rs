//! ECS on this host as tables: a container a line, then a service a line.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets::NOTHING};

use super::units::printable;
use crate::identity::ecs::{EcsStats, Here};

/// What stands where nothing is known.
const UNKNOWN: &str = "-";

/// Tasks with their containers, and services. One sentence where there is neither.
#[must_use]
pub fn tables(here: &Here) -> String {
    if here.tasks.is_empty() {
        return "no container of this host is of an ECS task\n".to_owned();
    }
    let mut text = lines(tasks(here), &[6, 7, 8]);
    if !here.services.is_empty() {
        text.push('\n');
        text.push_str(&lines(services(here), &[3, 4, 5, 7, 8]));
    }
    text
}

fn tasks(here: &Here) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header([
        "CLUSTER",
        "TASK",
        "DEFINITION",
        "SERVICE",
        "CONTAINER",
        "LAUNCH",
        "CPU",
        "MEMORY",
        "AGE",
    ]);
    for (arn, task) in &here.tasks {
        for (container, view) in &task.containers {
            let reserved = view.reserved();
            table.add_row([
                or_unknown(view.facts.cluster.as_ref()),
                arn.id().to_owned(),
                or_unknown(view.definition()),
                or_unknown(view.service.as_ref()),
                printable(container.display_name()),
                or_unknown(view.launch()),
                or_unknown(reserved.cpu),
                or_unknown(reserved.memory.map(|mib| format!("{mib} MiB"))),
                or_unknown(view.task.as_ref().map(|known| age(known.age()))),
            ]);
        }
    }
    table
}

fn services(here: &Here) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header([
        "CLUSTER", "SERVICE", "STATUS", "DESIRED", "RUNNING", "PENDING", "ROLLOUT", "HERE", "AGE",
    ]);
    for (key, service) in &here.services {
        let known = service.view.state.as_ref();
        let state = known.map(|known| &known.value);
        table.add_row([
            key.cluster.to_string(),
            key.name.to_string(),
            or_unknown(state.map(|state| state.status.as_str())),
            or_unknown(state.map(|state| state.desired)),
            or_unknown(state.map(|state| state.running)),
            or_unknown(state.map(|state| state.pending)),
            or_unknown(state.and_then(|state| state.rollout())),
            service.tasks.to_string(),
            or_unknown(known.map(|known| age(known.age()))),
        ]);
    }
    table
}

/// The calls made, those saved, and what went wrong.
#[must_use]
pub fn stats(stats: &EcsStats) -> String {
    let mut text = String::new();
    let calls = [
        ("DescribeTasks", stats.describe_tasks),
        ("DescribeServices", stats.describe_services),
        ("ListServices", stats.list_services),
        ("agent tasks", stats.agent_tasks),
        ("saved by the cache", stats.saved()),
        ("throttled", stats.throttled),
        ("failed", stats.errors),
        ("evicted", stats.evicted),
        ("left out", stats.tasks_left_out + stats.services_left_out),
    ];
    for (name, count) in calls {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<19} {count}");
    }
    text
}

/// Anybody may write labels.
fn or_unknown(value: Option<impl ToString>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| printable(&value.to_string()))
}

/// Whole seconds, as people write them: `1m 5s`.
fn age(age: Duration) -> String {
    humantime::format_duration(Duration::from_secs(age.as_secs())).to_string()
}

fn lines(mut table: Table, numbers: &[usize]) -> String {
    for number in numbers {
        if let Some(column) = table.column_mut(*number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

#[cfg(test)]
mod tests;
