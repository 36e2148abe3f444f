//! The graph as GraphML, which Gephi, yEd and NetworkX read.

use std::{fmt::Display, io};

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use super::{
    Snapshot,
    text::{id, is_xml},
};
use crate::topology::{Edge, Node, Scope};

/// Attributes of nodes: name and type. Keys are declared for all of them.
const NODE: [(&str, &str); 12] = [
    ("kind", "string"),
    ("name", "string"),
    ("image", "string"),
    ("host", "string"),
    ("networks", "string"),
    ("cgroup_id", "long"),
    ("scope", "string"),
    ("members", "long"),
    ("cluster", "string"),
    ("task", "string"),
    ("definition", "string"),
    ("service", "string"),
];

/// Attributes of edges.
const EDGE: [(&str, &str); 13] = [
    ("protocol", "string"),
    ("port", "int"),
    ("path", "string"),
    ("connections_existing", "long"),
    ("connections_opened", "long"),
    ("connections_closed", "long"),
    ("connections_failed", "long"),
    ("bytes_sent", "long"),
    ("bytes_received", "long"),
    ("sends", "long"),
    ("receives", "long"),
    ("join", "string"),
    ("gaps", "string"),
];

/// Writes one `graphml` document. Characters that XML has no place for become U+FFFD.
pub fn write(snapshot: &Snapshot, out: &mut impl io::Write) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(&mut *out, b' ', 1);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut root = BytesStart::new("graphml");
    root.push_attribute(("xmlns", "http://graphml.graphdrawing.org/xmlns"));
    xml.write_event(Event::Start(root))?;
    for (domain, attributes) in [("node", &NODE[..]), ("edge", &EDGE[..])] {
        for (name, kind) in attributes {
            let mut key = BytesStart::new("key");
            key.push_attribute(("id", key_of(domain, name).as_str()));
            key.push_attribute(("for", domain));
            key.push_attribute(("attr.name", *name));
            key.push_attribute(("attr.type", *kind));
            xml.write_event(Event::Empty(key))?;
        }
    }
    let mut graph = BytesStart::new("graph");
    graph.push_attribute(("edgedefault", "directed"));
    xml.write_event(Event::Start(graph))?;
    for node in snapshot.graph.nodes() {
        write_node(&mut xml, node)?;
    }
    for (index, (source, target, edge)) in snapshot.graph.edges().enumerate() {
        write_edge(&mut xml, index, (source, target, edge))?;
    }
    xml.write_event(Event::End(BytesEnd::new("graph")))?;
    xml.write_event(Event::End(BytesEnd::new("graphml")))?;
    drop(xml);
    writeln!(out)
}

fn write_node<W: io::Write>(xml: &mut Writer<W>, node: &Node) -> io::Result<()> {
    let mut start = BytesStart::new("node");
    start.push_attribute(("id", &*id(&node.id)));
    xml.write_event(Event::Start(start))?;
    let mut data = Data {
        xml,
        domain: "node",
    };
    data.write("kind", Some(node.kind.as_str()))?;
    data.write("name", Some(&node.name))?;
    data.write("image", node.image.as_ref())?;
    data.write("host", node.host.as_ref())?;
    let networks = node.networks.join(" ");
    data.write("networks", Some(&networks).filter(|list| !list.is_empty()))?;
    data.write("cgroup_id", node.cgroup)?;
    data.write("scope", node.scope.map(Scope::as_str))?;
    data.write("members", node.members)?;
    if let Some(ecs) = &node.ecs {
        data.write("cluster", ecs.cluster.as_ref())?;
        data.write("task", ecs.task.as_ref())?;
        data.write("definition", ecs.definition.as_ref())?;
        data.write("service", ecs.service.as_ref())?;
    }
    xml.write_event(Event::End(BytesEnd::new("node")))
}

fn write_edge<W: io::Write>(
    xml: &mut Writer<W>,
    index: usize,
    (source, target, edge): (&Node, &Node, &Edge),
) -> io::Result<()> {
    let mut start = BytesStart::new("edge");
    // Edges need ids, or readers take a second one between the same nodes for the first.
    start.push_attribute(("id", format!("e{index}").as_str()));
    start.push_attribute(("source", &*id(&source.id)));
    start.push_attribute(("target", &*id(&target.id)));
    xml.write_event(Event::Start(start))?;
    let (counts, calls) = (edge.counts, edge.counts_calls());
    let mut data = Data {
        xml,
        domain: "edge",
    };
    data.write("protocol", Some(edge.listener.protocol()))?;
    data.write("port", edge.listener.port())?;
    data.write("path", edge.listener.path())?;
    data.write("connections_existing", Some(counts.existing))?;
    data.write("connections_opened", Some(counts.opened))?;
    data.write("connections_closed", Some(counts.closed))?;
    data.write("connections_failed", Some(counts.failed))?;
    data.write("bytes_sent", Some(counts.bytes_sent))?;
    data.write("bytes_received", Some(counts.bytes_received))?;
    data.write("sends", calls.then_some(counts.sends))?;
    data.write("receives", calls.then_some(counts.receives))?;
    data.write("join", Some(edge.join().as_str()))?;
    data.write("gaps", Some(edge.gaps).filter(|gaps| !gaps.is_empty()))?;
    xml.write_event(Event::End(BytesEnd::new("edge")))
}

/// The `data` elements of one node or edge.
struct Data<'a, W> {
    xml: &'a mut Writer<W>,
    domain: &'static str,
}

impl<W: io::Write> Data<'_, W> {
    fn write(&mut self, name: &str, value: Option<impl Display>) -> io::Result<()> {
        let Some(value) = value else {
            return Ok(());
        };
        let key = key_of(self.domain, name);
        let text = allowed(&value.to_string());
        self.xml
            .create_element("data")
            .with_attribute(("key", key.as_str()))
            .write_text_content(BytesText::new(&text))?;
        Ok(())
    }
}

fn key_of(domain: &str, name: &str) -> String {
    format!("{domain}.{name}")
}

fn allowed(text: &str) -> String {
    let replaced = |char| {
        if is_xml(char) {
            char
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    text.chars().map(replaced).collect()
}
