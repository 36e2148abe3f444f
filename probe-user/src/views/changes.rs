//! What changed, a change a line: `+` came, `-` went, `~` is otherwise.

use std::fmt::Display;

use super::units::bytes;
use crate::{
    export::text::plain,
    topology::{Delta, Edge, EdgeKey, Gap, Graph, Node, question::name_of},
};

/// Nodes first, then edges; nothing at all if nothing changed.
#[must_use]
pub fn text(delta: &Delta, before: &Graph, after: &Graph) -> String {
    let mut lines = Vec::new();
    let nodes = &delta.nodes;
    lines.extend(
        nodes
            .removed
            .iter()
            .map(|(_, old)| format!("- {}", node(old))),
    );
    lines.extend(
        nodes
            .added
            .iter()
            .map(|(_, new)| format!("+ {}", node(new))),
    );
    for (_, old, new) in &nodes.changed {
        lines.push(format!("~ {}: {}", node(new), node_changes(old, new)));
    }
    let edges = &delta.edges;
    for (key, old) in &edges.removed {
        lines.push(format!("- {}: {}", edge(key, before), figures(old)));
    }
    for (key, new) in &edges.added {
        lines.push(format!("+ {}: {}", edge(key, after), figures(new)));
    }
    for (key, old, new) in &edges.changed {
        lines.push(format!(
            "~ {}: {}",
            edge(key, after),
            edge_changes(old, new)
        ));
    }
    let lines = lines
        .into_iter()
        .map(|line| plain(&line).into_owned() + "\n");
    lines.collect()
}

fn node(node: &Node) -> String {
    format!("{} {}", node.kind.as_str(), node.name)
}

fn edge(key: &EdgeKey, graph: &Graph) -> String {
    let (source, target) = (name_of(graph, &key.source), name_of(graph, &key.target));
    format!("{source} -> {target}:{}", key.listener)
}

fn figures(edge: &Edge) -> String {
    let counts = edge.counts;
    let failed = if counts.failed > 0 {
        format!(", {} failed", counts.failed)
    } else {
        String::new()
    };
    format!(
        "{} connections{failed}, sent {}, received {}, {}",
        counts.opened,
        bytes(counts.bytes_sent),
        bytes(counts.bytes_received),
        edge.join().as_str(),
    )
}

/// Collects what differs, as `name before → after`.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn note<T: PartialEq + Display>(&mut self, name: &str, before: &T, after: &T) {
        if before != after {
            self.0.push(format!("{name} {before} → {after}"));
        }
    }

    fn text(self) -> String {
        self.0.join(", ")
    }
}

fn node_changes(before: &Node, after: &Node) -> String {
    let mut found = Differences::default();
    let none = || "none".to_owned();
    let image = |node: &Node| node.image.clone().unwrap_or_else(none);
    let host = |node: &Node| node.host.as_deref().map_or_else(none, str::to_owned);
    let cgroup = |node: &Node| node.cgroup.map_or_else(none, |id| id.to_string());
    found.note("kind", &before.kind.as_str(), &after.kind.as_str());
    found.note("name", &before.name, &after.name);
    found.note("image", &image(before), &image(after));
    found.note("host", &host(before), &host(after));
    found.note("cgroup", &cgroup(before), &cgroup(after));
    found.note("networks", &list(&before.networks), &list(&after.networks));
    found.note(
        "addresses",
        &list(&before.addresses),
        &list(&after.addresses),
    );
    found.note("full backlogs", &overflows(before), &overflows(after));
    if before.labels != after.labels {
        let keys = before.labels.keys().chain(after.labels.keys());
        let mut keys: Vec<_> = keys
            .filter(|key| before.labels.get(*key) != after.labels.get(*key))
            .map(String::as_str)
            .collect();
        keys.sort_unstable();
        keys.dedup();
        found.0.push(format!("labels {}", keys.join(" ")));
    }
    found.text()
}

fn overflows(node: &Node) -> String {
    let ports = node.overflows.iter();
    let ports = ports.map(|(port, times)| format!("{port}: {times}"));
    list(&ports.collect::<Vec<_>>())
}

fn list<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    let items: Vec<_> = items.iter().map(T::to_string).collect();
    items.join(" ")
}

fn edge_changes(before: &Edge, after: &Edge) -> String {
    let mut found = Differences::default();
    let (old, new) = (before.counts, after.counts);
    found.note("existing", &old.existing, &new.existing);
    found.note("connections", &old.opened, &new.opened);
    found.note("closed", &old.closed, &new.closed);
    found.note("failed", &old.failed, &new.failed);
    // Exact figures where a unit would hide the difference.
    found.note("sent", &old.bytes_sent, &new.bytes_sent);
    found.note("received", &old.bytes_received, &new.bytes_received);
    found.note("sends", &old.sends, &new.sends);
    found.note("receives", &old.receives, &new.receives);
    found.note("evidence", &evidence(before), &evidence(after));
    found.note("gaps", &gaps(before), &gaps(after));
    found.text()
}

fn gaps(edge: &Edge) -> String {
    list(&edge.gaps.iter().map(Gap::as_str).collect::<Vec<_>>())
}

fn evidence(edge: &Edge) -> String {
    let joins = edge
        .joins
        .iter()
        .map(|(join, connections)| format!("{} {connections}", join.as_str()));
    list(&joins.collect::<Vec<_>>())
}
