//! A graph that a probe printed.

use serde_json::Value;

/// What `probe graph` printed until it ended.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The graph, as DESIGN promises its JSON.
    pub json: Value,
    /// What the probe said beside.
    pub stderr: String,
}

impl Graph {
    /// The edges that begin or end at one of these nodes, each as the names of its ends and its
    /// port, in order. The machine may run other things, which a probe sees as well.
    #[must_use]
    pub fn edges_of(&self, names: &[&str]) -> Vec<(String, String, u64)> {
        let found = self.named(names).map(|(source, target, edge)| {
            let port = edge["port"].as_u64().unwrap_or_default();
            (source, target, port)
        });
        let mut edges: Vec<_> = found.collect();
        edges.sort();
        edges
    }

    /// The same edges, each after the names of its ends and where it leads: its protocol, and its port
    /// or path, as in `tcp:80`. In order.
    #[must_use]
    pub fn places_of(&self, names: &[&str]) -> Vec<([String; 3], &Value)> {
        let found = self.named(names).map(|(source, target, edge)| {
            let protocol = edge["protocol"].as_str().unwrap_or_default();
            let place = match edge["path"].as_str() {
                Some(path) => format!("{protocol}:{path}"),
                None => format!("{protocol}:{}", edge["port"]),
            };
            ([source, target, place], edge)
        });
        let mut edges: Vec<_> = found.collect();
        edges.sort_by(|(one, _), (other, _)| one.cmp(other));
        edges
    }

    /// What was seen and not kept, by cause. Runs that the kernel left out are not among it: what they
    /// miss is made up for, and a busy run has some.
    ///
    /// # Panics
    ///
    /// When the graph does not say.
    #[must_use]
    pub fn lost(&self) -> Vec<(String, Value)> {
        let losses = self.json["losses"].as_object();
        losses
            .expect("a graph has its losses")
            .iter()
            .filter(|(cause, lost)| *cause != "runs_missed" && **lost != 0)
            .map(|(cause, lost)| (cause.clone(), lost.clone()))
            .collect()
    }

    /// The node of that name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Value> {
        self.all("nodes").find(|node| node["name"] == name)
    }

    /// The edge between two nodes, by their names, at a port.
    #[must_use]
    pub fn edge(&self, source: &str, target: &str, port: u16) -> Option<&Value> {
        let (source, target) = (self.node(source)?, self.node(target)?);
        self.all("edges").find(|edge| {
            edge["source"] == source["id"] && edge["target"] == target["id"] && edge["port"] == port
        })
    }

    /// The edges that begin or end at one of these nodes, after the names of their ends.
    fn named(&self, names: &[&str]) -> impl Iterator<Item = (String, String, &Value)> {
        let ends = self.all("edges").map(|edge| {
            let end = |key: &str| self.name(edge[key].as_str().unwrap_or_default());
            (end("source"), end("target"), edge)
        });
        ends.filter(|(source, target, _)| {
            [source, target]
                .iter()
                .any(|end| names.contains(&end.as_str()))
        })
    }

    fn all(&self, key: &str) -> impl Iterator<Item = &Value> {
        self.json[key].as_array().into_iter().flatten()
    }

    /// The name of a node, or its id when it has none.
    fn name(&self, id: &str) -> String {
        let node = self.all("nodes").find(|node| node["id"] == id);
        let name = node.and_then(|node| node["name"].as_str());
        name.unwrap_or(id).to_owned()
    }
}
