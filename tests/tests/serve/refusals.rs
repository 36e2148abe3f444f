//! Who is let in, and to what.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, process::Command};

use probe_tests::{Engine, http::Door, place};

use crate::{OPERATOR, READER, daemon};

const GRAPH: &str = "GET /api/v1/graph HTTP/1.1";

#[test]
fn what_is_not_meant_for_a_client_is_refused() {
    let engine = Engine::start().unwrap();
    let daemon = daemon(&engine, &[]);
    let Door::Tcp(address) = &daemon.tcp else {
        panic!()
    };
    let own = format!("Host: {address}");
    let check = |request: &str, headers: &[&str], status: u16| {
        let answer = daemon.tcp.say(request, headers).unwrap();
        assert_eq!(
            answer.status,
            status,
            "{request} {headers:?}: {}",
            answer.text()
        );
        if status >= 400 {
            assert!(
                answer.json().unwrap()["error"].is_string(),
                "{}",
                answer.text()
            );
        }
    };
    check(GRAPH, &[&own], 200);
    check(GRAPH, &["Host: evil.example"], 403);
    check(GRAPH, &[], 403);
    check(GRAPH, &[&own, "Origin: http://evil.example"], 403);
    check(GRAPH, &[&own, "Sec-Fetch-Site: cross-site"], 403);
    check(GRAPH, &[&own, "Content-Length: 5"], 413);
    check("POST /api/v1/graph HTTP/1.1", &[&own], 405);
    check("GET /api/v1/graph?filter=x HTTP/1.1", &[&own], 400);
    check("GET /etc/passwd HTTP/1.1", &[&own], 404);
    check("GET /api/v1/events HTTP/1.1", &[&own], 403);
    let long = format!("X-Long: {}", "x".repeat(64 << 10));
    // Who does not read on may close before all is said, and the answer is lost with the rest.
    if let Ok(answer) = daemon.tcp.say(GRAPH, &[&own, &long]) {
        assert_eq!(answer.status, 431);
    }

    let lines = |door: &Door| {
        let list = door.get("/api/v1/processes", &[]).unwrap().json().unwrap();
        let list = list["processes"].as_array().unwrap().clone();
        list.iter().filter(|p| p["command_line"] != "").count()
    };
    assert_eq!(lines(&daemon.tcp), 0, "command lines may hold secrets");
    assert!(lines(&daemon.unix) > 0);
    let mode = fs::metadata(&daemon.socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);

    let answer = daemon.tcp.get("/api/v1/containers", &[]).unwrap();
    let tag = format!(
        "If-None-Match: {}",
        answer.header("etag").unwrap().replace("w/", "W/")
    );
    assert_eq!(
        daemon
            .tcp
            .get("/api/v1/containers", &[&tag])
            .unwrap()
            .status,
        304
    );
    let packed = daemon
        .tcp
        .get("/api/v1/openapi.json", &["Accept-Encoding: gzip"])
        .unwrap();
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
}

#[test]
fn tokens_open_what_their_scopes_say() {
    let engine = Engine::start().unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{READER}\n{OPERATOR} read arguments").unwrap();
    let daemon = daemon(&engine, &["--token-file", file.path().to_str().unwrap()]);
    let status = |path: &str, token: &str| {
        let header = format!("Authorization: Bearer {token}");
        daemon.tcp.get(path, &[&header]).unwrap().status
    };
    assert_eq!(daemon.tcp.get("/api/v1/graph", &[]).unwrap().status, 401);
    assert_eq!(daemon.tcp.get("/metrics", &[]).unwrap().status, 401);
    assert_eq!(daemon.tcp.get("/healthz", &[]).unwrap().status, 200);
    assert_eq!(daemon.unix.get("/api/v1/graph", &[]).unwrap().status, 200);
    assert_eq!(status("/api/v1/graph", "reader-0123456780"), 401);
    assert_eq!(status("/api/v1/graph", READER), 200);
    assert_eq!(status("/api/v1/events", READER), 403);
    assert_eq!(status("/api/v1/graph", OPERATOR), 200);
}

#[test]
fn it_does_not_open_itself_to_other_machines() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let output = Command::new(place::probe())
            .args(["run", "--listen", address, "--socket", "none"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("--token-file"), "{said}");
        assert_eq!(said.lines().count(), 1, "one sentence: {said}");
    }
}
