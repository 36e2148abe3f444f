//! Other people's programs read what `probe graph` exports, hostile names and all. Needs no root.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use probe_tests::{debian, place};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Names that break what does not escape; nothing but text may come of them.
const NAMES: &[&str] = &[
    "",
    "\"; drop",
    "back\\slash\\ \\N \\G",
    "line\nfeed\r\ntab\t",
    "<b onclick=\"x\">&amp;</b>",
    "]]><!-- -->",
    "#quot; %%{init: {}}%% end",
    "a,b;c|d`e`",
    "\0\u{1}\u{1b}[31m\u{7f}\u{85}",
    "\u{202e}gnp.exe \u{feff}\u{fffe}\u{ffff}",
    "日本語 \u{1f980}",
    "digraph { a -> b }",
    "--> n0[\"x\"]",
];

/// Each of the names, 4 KiB as well, talks to the next; every second on a unix socket so called.
fn hostile() -> Value {
    let mut names: Vec<String> = NAMES.iter().map(ToString::to_string).collect();
    names.push("x".repeat(4096));
    names.push("\"<&\u{1f980}\n".repeat(512));
    let id = |index: usize| format!("process:{}{index}", names[index]);
    let count = names.len();
    let nodes: Vec<Value> = (0..count)
        .map(|index| {
            let (kind, name) = (["container", "process"][index % 2], &names[index]);
            json!({"id": id(index), "kind": kind, "name": name, "image": name,
                "labels": {name: name}, "networks": [name], "host": name})
        })
        .collect();
    let edges: Vec<Value> = (0..count)
        .map(|index| {
            let mut edge = json!({"source": id(index), "target": id((index + 1) % count),
                "connections_opened": 1, "connections_closed": 1, "connections_failed": 0,
                "bytes_sent": u64::MAX, "bytes_received": 7, "sends": 1, "receives": 1,
                "join": "tuple"});
            let edge_members = edge.as_object_mut().unwrap();
            if index % 2 == 0 {
                edge_members.insert("protocol".to_owned(), "unix".into());
                edge_members.insert("path".to_owned(), names[index].as_str().into());
            } else {
                edge_members.insert("protocol".to_owned(), "tcp".into());
                edge_members.insert("port".to_owned(), 80.into());
            }
            edge
        })
        .collect();
    json!({"schema": "probe.graph/v1", "host": names[4], "started": "2026-01-02T03:04:05Z",
        "ended": "2026-01-02T03:04:06Z", "nodes": nodes, "edges": edges, "losses": {}})
}

/// Fifty services, each of which talks to some others.
fn fifty() -> Value {
    let nodes: Vec<Value> = (0..50)
        .map(|index| {
            json!({"id": format!("container:{index:064x}"), "kind": "container",
                "name": format!("service-{index}"), "image": format!("service-{}:1", index % 9),
                "labels": {}, "networks": [format!("net-{}", index % 4)]})
        })
        .collect();
    let edges: Vec<Value> = (0..50_u64)
        .flat_map(|index| [(index, index / 2), (index, index / 3)])
        .filter(|(source, target)| source != target)
        .enumerate()
        .map(|(port, (source, target))| {
            json!({"source": format!("container:{source:064x}"),
                "target": format!("container:{target:064x}"), "protocol": "tcp",
                "port": 8000 + port, "connections_opened": 1, "connections_closed": 1,
                "connections_failed": 0, "bytes_sent": 1000, "bytes_received": 10_u64.pow(u32::try_from(port).unwrap() % 12),
                "sends": 1, "receives": 1, "join": "sequence"})
        })
        .collect();
    json!({"schema": "probe.graph/v1", "host": "h", "started": "2026-01-02T03:04:05Z",
        "ended": "2026-01-02T03:04:06Z", "nodes": nodes, "edges": edges, "losses": {}})
}

/// What the command printed; it must succeed and have nothing to say.
#[track_caller]
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
    assert_eq!(complaint, "", "{command:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// `graph` as `format`, in a file in `dir`.
fn export(dir: &TempDir, graph: &Value, format: &str) -> PathBuf {
    let input = dir.path().join("input.json");
    fs::write(&input, graph.to_string()).unwrap();
    let mut probe = Command::new(place::probe());
    probe
        .args(["graph", "--output", format, "--input"])
        .arg(input);
    let path = dir.path().join(format!("exported.{format}"));
    fs::write(&path, output(&mut probe)).unwrap();
    path
}

/// A Python that has NetworkX: the machine's, or one made for this workspace.
fn python() -> PathBuf {
    let has_networkx = |python: &Path| {
        let imported = Command::new(python)
            .args(["-c", "import networkx"])
            .output();
        imported.is_ok_and(|output| output.status.success())
    };
    let found = PathBuf::from("python3");
    let made = place::tools().join("networkx");
    let own = made.join("bin/python3");
    if has_networkx(&found) {
        return found;
    }
    if !has_networkx(&own) {
        output(Command::new("python3").args(["-m", "venv"]).arg(&made));
        output(Command::new(&own).args(["-m", "pip", "install", "--quiet", "networkx"]));
    }
    own
}

#[test]
fn networkx_reads_json_and_graphml() {
    const READ: &str = r#"
import json, sys, networkx as nx
document = json.load(open(sys.argv[1]))
known = {"edges": "edges"} if nx.__version__ >= "3.4" else {"link": "edges"}
a = nx.node_link_graph(document, **known)
b = nx.read_graphml(sys.argv[2], force_multigraph=True)
for g in (a, b):
    assert g.is_directed() and g.is_multigraph(), g
    print(g.number_of_nodes(), g.number_of_edges())
    assert all("kind" in data and "name" in data for _, data in g.nodes(data=True))
    assert len(list(nx.simple_cycles(g))) == int(sys.argv[3])
assert sorted(d["bytes_sent"] for *_, d in a.edges(data=True)) == sorted(d["bytes_sent"] for *_, d in b.edges(data=True))
"#;
    let dir = TempDir::new().unwrap();
    let python = python();
    for (graph, cycles) in [(hostile(), "1"), (fifty(), "0")] {
        let json = export(&dir, &graph, "json");
        let graphml = export(&dir, &graph, "graphml");
        let mut read = Command::new(&python);
        let sizes = output(read.args(["-c", READ]).args([json, graphml]).arg(cycles));
        let size = |part: &str| graph[part].as_array().unwrap().len();
        let expected = format!("{} {}", size("nodes"), size("edges"));
        assert_eq!(
            sizes.lines().collect::<BTreeSet<_>>(),
            [expected.as_str()].into()
        );
    }
}

#[test]
fn graphviz_draws_every_node_and_edge() {
    let dir = TempDir::new().unwrap();
    let dot = debian::host_program("dot").unwrap();
    for graph in [hostile(), fifty()] {
        let file = export(&dir, &graph, "dot");
        let svg = output(Command::new(&dot).arg("-Tsvg").arg(&file));
        let size = |part: &str| graph[part].as_array().unwrap().len();
        assert_eq!(svg.matches("class=\"node\"").count(), size("nodes"));
        assert_eq!(svg.matches("class=\"edge\"").count(), size("edges"));
        assert!(!svg.contains("<b onclick"), "a name became markup");
        // What Graphviz took as text is text: the drawing is XML.
        let drawing = dir.path().join("drawing.svg");
        fs::write(&drawing, svg).unwrap();
        let parse = "import sys, xml.dom.minidom as m; m.parse(sys.argv[1])";
        output(Command::new("python3").args(["-c", parse]).arg(drawing));
    }
}

/// Where Mermaid's own parser is, installed if need be.
fn mermaid() -> PathBuf {
    debian::host_program("node").unwrap();
    let npm = debian::host_program("npm").unwrap();
    let home = place::tools().join("mermaid");
    if !home.join("node_modules/mermaid").is_dir() || !home.join("node_modules/jsdom").is_dir() {
        fs::create_dir_all(&home).unwrap();
        let quiet = [
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
        ];
        let mut install = Command::new(npm);
        install.current_dir(&home).args(quiet).arg("--prefix");
        output(install.arg(&home).args(["mermaid@11", "jsdom@22"]));
    }
    home
}

#[test]
fn mermaid_reads_every_node_and_edge() {
    let home = mermaid();
    let dir = TempDir::new().unwrap();
    for graph in [hostile(), fifty()] {
        let file = export(&dir, &graph, "mermaid");
        let mut read = Command::new("node");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mermaid.mjs");
        let printed = output(read.arg(script).arg(&home).arg(file));
        let size = |part: &str| graph[part].as_array().unwrap().len();
        let expected = format!("flowchart-v2 {} {}\n", size("nodes"), size("edges"));
        assert_eq!(printed, expected);
    }
}
