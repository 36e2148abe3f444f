//! `probe graph` on saved graphs: what it prints, and what it exits with. Needs no root.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Exit code, stdout and stderr of `probe graph ARGS` with `stdin`.
fn probe(args: &[&str], stdin: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_probe"))
        .arg("graph")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A probe that reads no stdin may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn node(id: &str, kind: &str, name: &str, address: &str) -> Value {
    json!({"id": id, "kind": kind, "name": name, "labels": {}, "addresses": [address]})
}

fn edge(source: &str, target: &str, opened: u64) -> Value {
    json!({"source": source, "target": target, "protocol": "tcp", "port": 80,
        "connections_opened": opened, "connections_closed": opened, "connections_failed": 0,
        "bytes_sent": 10 * opened, "bytes_received": 20 * opened, "sends": opened,
        "receives": opened, "join": "one-sided", "joins": {"one-sided": opened}})
}

fn graph(host: &str, nodes: &[Value], edges: &[Value]) -> Value {
    json!({"schema": "probe.graph/v1", "host": host, "started": "2026-01-02T03:04:05Z",
        "ended": "2026-01-02T03:04:06Z", "nodes": nodes, "edges": edges,
        "losses": {"flows_dropped": 0, "records_dropped": 0}})
}

/// Two hosts, a client on one and its server on the other.
struct Files {
    _dir: TempDir,
    a: String,
    b: String,
}

fn files() -> Files {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, graph: &Value| {
        let path: PathBuf = Path::new(dir.path()).join(name);
        std::fs::write(&path, graph.to_string()).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let (client, server) = ("container:c11e", "container:5e4e");
    let a = graph(
        "a",
        &[
            node(client, "container", "client", "10.1.0.5"),
            node("external:10.2.0.6", "external", "10.2.0.6", "10.2.0.6"),
        ],
        &[edge(client, "external:10.2.0.6", 3)],
    );
    let b = graph(
        "b",
        &[
            node(server, "container", "server", "10.2.0.6"),
            node("external:10.1.0.5", "external", "10.1.0.5", "10.1.0.5"),
        ],
        &[edge("external:10.1.0.5", server, 3)],
    );
    Files {
        a: write("a.json", &a),
        b: write("b.json", &b),
        _dir: dir,
    }
}

#[test]
fn diff_exits_as_diff_does() {
    let files = files();
    let (code, out, _) = probe(&["--diff", &files.a, &files.a], "");
    assert_eq!((code, out.as_str()), (0, ""));
    let (code, out, _) = probe(&["--diff", &files.a, &files.b], "");
    assert_eq!(code, 1);
    assert!(out.contains("+ container server"), "{out}");
    let (code, out, _) = probe(&["--diff", &files.a, &files.b, "-o", "json"], "");
    assert_eq!(code, 1);
    let delta: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(delta["nodes"]["added"][0]["name"], "server");
    let (code, out, err) = probe(&["--diff", &files.a, "/nowhere.json"], "");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.starts_with("probe: cannot read /nowhere.json: No such file"),
        "{err}"
    );
    let (code, ..) = probe(&["--diff", &files.a, &files.b, "-o", "dot"], "");
    assert_eq!(code, 2);
}

#[test]
fn merged_halves_are_one_edge_that_questions_follow() {
    let files = files();
    let (code, out, err) = probe(&["--merge", &files.a, &files.b, "-o", "json"], "");
    assert_eq!(code, 0, "{err}");
    let merged: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(merged["edges"].as_array().unwrap().len(), 1, "{out}");
    assert_eq!(merged["edges"][0]["join"], "tuple");
    assert_eq!(merged["edges"][0]["connections_opened"], 3);
    let ask = |question: &[&str]| {
        let args = [&["--input", "-"][..], question].concat();
        let (code, said, err) = probe(&args, &out);
        assert_eq!(code, 0, "{err}");
        said
    };
    assert_eq!(ask(&["--from", "client"]), "server (1 step)\n");
    assert_eq!(ask(&["--to", "5e4e"]), "client (1 step)\n");
    assert_eq!(
        ask(&["--path", "client", "server"]),
        "client -> server:80\n"
    );
    assert_eq!(ask(&["--cycles"]), "no cycles\n");
    assert_eq!(ask(&["--orphans"]), "no orphans\n");
    assert_eq!(
        ask(&["--from", "client", "-o", "mermaid"]).lines().count(),
        4
    );
    // Read and written again it is the same.
    assert_eq!(ask(&["-o", "json"]), out);
    let (code, _, err) = probe(&["--merge", &files.a, &files.a], "");
    assert_eq!(code, 1);
    assert!(err.contains("of the host \"a\""), "{err}");
}

#[test]
fn saved_graphs_are_folded_as_live_ones() {
    let files = files();
    let (code, out, err) = probe(
        &["--merge", &files.a, &files.b, "--by", "host", "-o", "csv"],
        "",
    );
    assert_eq!(code, 0, "{err}");
    let lines: Vec<_> = out.lines().skip(1).collect();
    assert_eq!(lines.len(), 1, "{out}");
    assert!(
        lines[0].starts_with("host:a,a,host,host:b,b,host,tcp,80,0,3,3,0,30,60,"),
        "{out}"
    );
    let external = |how: &str| {
        let args = ["--input", &files.a, "--external", how, "-o", "json"];
        let (code, out, err) = probe(&args, "");
        assert_eq!(code, 0, "{err}");
        let graph: Value = serde_json::from_str(&out).unwrap();
        let nodes = graph["nodes"].as_array().unwrap();
        let external = nodes.iter().find(|node| node["kind"] == "external");
        let external = external.unwrap();
        (external["name"].clone(), external["scope"].clone())
    };
    assert_eq!(external("address"), ("10.2.0.6".into(), "private".into()));
    assert_eq!(external("name"), ("10.2.0.6".into(), "private".into()));
    assert_eq!(external("net/16"), ("10.2.0.0/16".into(), "private".into()));
    assert_eq!(external("collapse"), ("private".into(), "private".into()));
    let (code, out, err) = probe(&["--input", &files.a, "--by", "process"], "");
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        err,
        "probe: the saved graph has containers, not what runs in them: save it with --by process\n"
    );
}

#[test]
fn errors_are_one_sentence() {
    let files = files();
    let (code, out, err) = probe(&["--input", &files.a, "--from", "clients"], "");
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        err,
        "probe: nothing in the graph is called \"clients\"; did you mean \"client\"?\n"
    );
    let (code, _, err) = probe(&["--input", "-"], "{");
    assert_eq!(code, 1);
    assert!(
        err.starts_with("probe: stdin cannot be used: it is no graph in JSON: "),
        "{err}"
    );
    assert_eq!(err.lines().count(), 1);
}

#[test]
fn wrong_usage_exits_with_two() {
    let check = |args: &[&str]| assert_eq!(probe(args, "").0, 2, "{args:?}");
    check(&["--cycles", "--orphans", "--input", "-"]);
    check(&["--from", "a", "--to", "b", "--input", "-"]);
    check(&["--depth", "2", "--input", "-"]);
    check(&["--depth", "2", "--cycles", "--input", "x"]);
    check(&["--from", "a", "--depth", "0", "--input", "-"]);
    check(&["--input", "x", "--merge", "y"]);
    check(&["--input", "x", "--duration", "1s"]);
    check(&["--input", "x", "--engine", "unix:///x"]);
    check(&["--merge", "x", "--max-flows", "5"]);
    check(&["--diff", "x"]);
    check(&["--diff", "x", "y", "--cycles"]);
    check(&["--diff", "x", "y", "--input", "z"]);
    check(&["--diff", "x", "y", "--limit", "3"]);
    check(&["--cycles", "--limit", "3", "--input", "x"]);
    check(&["--schema", "--input", "x"]);
    check(&["--merge", "-", "-"]);
    check(&["--input", "x", "--window", "5s"]);
    check(&["--input", "x", "--fade", "5s"]);
    check(&["--merge", "x", "--show-proxies"]);
    check(&["--input", "x", "--ecs-refresh", "5s"]);
    check(&["--input", "x", "--by", "pod"]);
    check(&["--input", "x", "--external", "net/33"]);
    check(&["--input", "x", "--max-external", "0"]);
    check(&["--window", "500ms"]);
    check(&["--fade", "soon"]);
}

#[test]
fn the_schema_is_printed() {
    let (code, out, _) = probe(&["--schema"], "");
    assert_eq!(code, 0);
    let schema: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(schema["title"], "probe.graph/v1");
}
