//! What every command promises: exit codes, sentences, and readers that may go away.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::{TcpListener, TcpStream},
    os::unix::process::ExitStatusExt as _,
    process::{Command, Output, Stdio},
};

use probe_tests::place;

fn probe(args: &[&str]) -> Command {
    let mut command = Command::new(place::probe());
    command.args(args).stdin(Stdio::null());
    command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    command.env_remove("RUST_LOG");
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn wrong_usage_is_exit_code_2_and_says_what_is_wrong() {
    for args in [
        &["graph", "--colour"][..],
        &["graph", "--output", "xml"],
        &["graph", "--duration", "soon"],
        &["chart"],
        &[],
    ] {
        let output = probe(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(stderr(&output).contains("--help"), "{args:?}: {output:?}");
    }
}

#[test]
fn without_capabilities_it_names_them_and_the_way_out() {
    let mut command = Command::new("setpriv");
    command
        .args(["--bounding-set", "-all", "--no-new-privs"])
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(place::probe())
        .args(["graph", "--duration", "1s"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = stderr(&output);
    for word in ["CAP_BPF", "CAP_PERFMON", "sudo", "docker run --privileged"] {
        assert!(said.contains(word), "{said}");
    }
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");
}

#[test]
fn a_bad_engine_address_is_an_error_that_says_so() {
    let output = probe(&["graph", "--engine", "ssh://host"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("ssh://host"), "{output:?}");
}

#[test]
fn without_an_engine_it_goes_on_and_says_so_once() {
    let output = probe(&["graph", "--duration", "3s"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = stderr(&output);
    assert_eq!(said.matches("no Docker engine").count(), 1, "{said}");
    assert!(
        said.lines().any(|line| line.starts_with("tracing")),
        "{said}"
    );
}

#[test]
fn its_json_is_a_graph_of_that_schema_also_when_nothing_happened() {
    let output = probe(&["graph", "-o", "json", "--duration", "100ms"]);
    let output = { output }.output().unwrap();
    let graph: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(graph["schema"], "probe.graph/v1");
    assert!(graph["nodes"].is_array() && graph["edges"].is_array());
    assert!(graph["started"].as_str().unwrap() <= graph["ended"].as_str().unwrap());
}

#[test]
fn both_signals_end_it_in_order() {
    for signal in ["INT", "TERM"] {
        let mut probe = probe(&["graph", "-o", "json"]);
        let mut child = probe
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut errors = child.stderr.take().unwrap();
        while !said.contains("\ntracing") && !said.starts_with("tracing") {
            let mut byte = [0];
            assert_eq!(errors.read(&mut byte).unwrap(), 1, "{said}");
            said.push(char::from(byte[0]));
        }
        let pid = child.id().to_string();
        let killed = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(killed.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{signal}");
        assert!(output.stdout.starts_with(b"{"), "{signal}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = probe(&["graph", "-o", "json", "--duration", "1s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), None, "{output:?}");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn what_does_not_fit_is_counted_and_on_request_explained() {
    let listeners = [(); 3].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    let mut child = probe(&["graph", "-o", "json", "--max-flows", "1"])
        .env("RUST_LOG", "probe_ebpf=debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    while !said.lines().any(|line| line.starts_with("tracing")) {
        assert_ne!(errors.read_line(&mut said).unwrap(), 0, "{said}");
    }
    for listener in &listeners {
        drop(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
    }
    while !said.contains("flows: loss 0") {
        assert_ne!(errors.read_line(&mut said).unwrap(), 0, "{said}");
    }
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-s", "INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    let graph: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    // Three clients and three servers, and room for one.
    assert!(
        graph["losses"]["flows_dropped"].as_u64().unwrap() >= 5,
        "{graph:#}"
    );
}
