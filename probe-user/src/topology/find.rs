//! Finds the node that a person means.

use thiserror::Error;

use super::{Graph, Kind, Node, NodeId};

/// Hex digits that may stand for a container's id: fewer are more likely a name.
const SHORTEST_ID: usize = 4;
/// Names offered for one that is not there.
const OFFERED: usize = 3;
/// How alike an offered name must be, from 0 to 1: two letters of three swapped are two thirds.
const ALIKE: f64 = 0.65;

/// Why no node is meant.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum FindError {
    /// None is called so.
    #[error("nothing in the graph is called {name:?}{}", offer(.nearest))]
    Unknown {
        /// What was asked for.
        name: String,
        /// Names that are there and look like it, the likeliest first.
        nearest: Vec<String>,
    },
    /// Several are.
    #[error("{name:?} may be any of {}: name one by its id", .ids.join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The ids of those it may be.
        ids: Vec<String>,
    },
}

fn offer(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return String::new();
    }
    let names: Vec<_> = nearest.iter().map(|name| format!("{name:?}")).collect();
    format!("; did you mean {}?", names.join(" or "))
}

/// The node whose id is `name`, else the one so called, else the container whose id begins so
/// (with at least four hex digits).
pub fn find<'a>(graph: &'a Graph, name: &str) -> Result<&'a Node, FindError> {
    if let Some(node) = graph.node(&NodeId::new(name)) {
        return Ok(node);
    }
    let called: Vec<_> = graph.nodes().filter(|node| node.name == name).collect();
    let meant = if called.is_empty() && is_short_id(name) {
        graph.nodes().filter(|node| has_id(node, name)).collect()
    } else {
        called
    };
    match meant[..] {
        [node] => Ok(node),
        [] => Err(FindError::Unknown {
            name: name.to_owned(),
            nearest: nearest(graph, name),
        }),
        _ => Err(FindError::Ambiguous {
            name: name.to_owned(),
            ids: meant.iter().map(|node| node.id.to_string()).collect(),
        }),
    }
}

fn is_short_id(name: &str) -> bool {
    name.len() >= SHORTEST_ID && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn has_id(node: &Node, start: &str) -> bool {
    let id = node.id.as_str().split_once(':').map_or("", |(_, id)| id);
    node.kind == Kind::Container && id.starts_with(&start.to_ascii_lowercase())
}

fn nearest(graph: &Graph, name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let mut names: Vec<(f64, &str)> = graph
        .nodes()
        .map(|node| (alike(&lower, &node.name.to_lowercase()), node.name.as_str()))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    names.dedup_by(|a, b| a.1 == b.1);
    let names = names.into_iter().take(OFFERED);
    names.map(|(_, name)| name.to_owned()).collect()
}

/// One knows typing errors, the other a name's beginning.
fn alike(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b).max(strsim::jaro_winkler(a, b))
}

#[cfg(test)]
mod tests;
