//! `probe run` behind TLS: who is let in, who is not, and what is said of certificates.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use probe_tests::{Authority, Probe, authority::Issued, http::Door, place, wait};

const SOON: Duration = Duration::from_secs(20);
/// As many as the agent has places for connections.
const PLACES: usize = 128;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// An agent that other machines could reach, were there any.
struct Guarded {
    /// Held: it ends when dropped.
    _probe: Probe,
    port: u16,
    unix: Door,
    authority: Authority,
    client: Issued,
    /// Of an authority that nobody here trusts.
    stranger: Issued,
    _foreign: Authority,
    _room: tempfile::TempDir,
}

impl Guarded {
    fn start() -> Self {
        let authority = Authority::found().unwrap();
        let server = authority.issue("server").unwrap();
        let client = authority.issue("client").unwrap();
        let foreign = Authority::found().unwrap();
        let stranger = foreign.issue("stranger").unwrap();
        let room = tempfile::tempdir().unwrap();
        let socket = room.path().join("probe.sock");
        let probe = Probe::alone([
            "run",
            "--listen=0.0.0.0:0",
            "--socket",
            text(&socket),
            "--tls-cert",
            text(&server.certificate),
            "--tls-key",
            text(&server.key),
            "--tls-client-ca",
            text(&authority.certificate),
        ])
        .unwrap();
        probe
            .wait_for_stderr("serving on https://0.0.0.0:", SOON)
            .unwrap();
        let said = probe.stderr();
        let port = said.split("serving on https://0.0.0.0:").nth(1).unwrap();
        let port = port.split(' ').next().unwrap().parse().unwrap();
        Self {
            _probe: probe,
            port,
            unix: Door::Unix(socket),
            authority,
            client,
            stranger,
            _foreign: foreign,
            _room: room,
        }
    }

    fn refused(&self, reason: &str) -> u64 {
        let metrics = self.unix.get("/metrics", &[]).unwrap().text();
        let line = format!("probe_http_refused_total{{reason=\"{reason}\"}} ");
        let value = metrics.lines().find_map(|found| found.strip_prefix(&line));
        value
            .unwrap_or_else(|| panic!("{metrics}"))
            .parse()
            .unwrap()
    }

    /// A client may hear of its end before it is counted.
    #[track_caller]
    fn has_refused(&self, reason: &str, times: u64) {
        let mut last = 0;
        let counted = wait::until("all are counted", SOON, || {
            last = self.refused(reason);
            Ok((last == times).then_some(()))
        });
        counted.unwrap_or_else(|error| panic!("{error:#}: {last} of {reason}"));
    }

    /// What curl prints of the agent's readiness.
    fn curl(&self, scheme: &str, identity: Option<&Issued>) -> Output {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "20", "--cacert"])
            .arg(&self.authority.certificate);
        if let Some(identity) = identity {
            curl.arg("--cert").arg(&identity.certificate);
            curl.arg("--key").arg(&identity.key);
        }
        curl.arg(format!("{scheme}://127.0.0.1:{}/readyz", self.port));
        curl.output().unwrap()
    }

    fn graph(&self, args: &[&str]) -> Output {
        let agent = format!("https://127.0.0.1:{}", self.port);
        let mut probe = Command::new(place::probe());
        probe.args(["graph", "-o", "json", "--agent", &agent]);
        probe.args(args).output().unwrap()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn only_who_has_a_certificate_of_the_authority_is_served() {
    let agent = Guarded::start();
    let served = agent.curl("https", Some(&agent.client));
    assert!(served.status.success(), "{}", stderr(&served));
    assert_eq!(agent.refused("certificate"), 0);

    for identity in [None, Some(&agent.stranger)] {
        let output = agent.curl("https", identity);
        assert!(!output.status.success(), "{identity:?}");
        assert!(output.stdout.is_empty(), "{identity:?}");
    }
    agent.has_refused("certificate", 2);
    assert_eq!(agent.refused("handshake"), 0);

    let plain = agent.curl("http", None);
    assert!(!plain.status.success() && plain.stdout.is_empty());
    agent.has_refused("handshake", 1);
}

#[test]
fn commands_ask_with_a_certificate() {
    let agent = Guarded::start();
    let trusted = ["--tls-ca", text(&agent.authority.certificate)];
    let with = |identity: &Issued| {
        agent.graph(&[
            trusted[0],
            trusted[1],
            "--tls-client-cert",
            text(&identity.certificate),
            "--tls-client-key",
            text(&identity.key),
        ])
    };
    let output = with(&agent.client);
    assert!(output.status.success(), "{}", stderr(&output));
    let graph: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(graph["schema"], "probe.graph/v1");

    let wanted = "wants a certificate of an authority that it knows: give --tls-client-cert";
    for output in [agent.graph(&trusted), with(&agent.stranger)] {
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(wanted), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let output = agent.graph(&[]);
    let said = stderr(&output);
    assert!(
        said.contains("--tls-ca FILE") && said.contains("UnknownIssuer"),
        "{said}"
    );
}

/// Reads until the other side has closed.
fn is_closed(mut stream: TcpStream) -> bool {
    stream.set_read_timeout(Some(SOON)).unwrap();
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn who_shakes_no_hands_takes_a_place_and_loses_it_in_time() {
    let agent = Guarded::start();
    let address = SocketAddr::from(([127, 0, 0, 1], agent.port));
    let silent = [(); PLACES].map(|()| TcpStream::connect(address).unwrap());
    assert!(is_closed(TcpStream::connect(address).unwrap()));
    for stream in silent {
        assert!(is_closed(stream));
    }
    let served = agent.curl("https", Some(&agent.client));
    assert!(served.status.success(), "{}", stderr(&served));
    agent.has_refused("handshake", PLACES as u64);
    assert_eq!(agent.refused("connections"), 1);

    // What is no TLS is no panic either.
    for bytes in [&b"\x16\x03\x01\xff\xff"[..], &[0; 4096], &[0xff; 16384]] {
        let mut stream = TcpStream::connect(address).unwrap();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        assert!(is_closed(stream));
    }
    agent.has_refused("handshake", PLACES as u64 + 3);
}

#[test]
fn what_is_wrong_with_files_is_said_in_one_sentence_at_start() {
    let authority = Authority::found().unwrap();
    let (one, other) = (
        authority.issue("one").unwrap(),
        authority.issue("other").unwrap(),
    );
    let room = tempfile::tempdir().unwrap();
    let socket = room.path().join("probe.sock");
    let file = |name: &str, text: &str, mode: u32| {
        let path = room.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        text_of(&path)
    };
    let garbage = file("garbage", "no certificate", 0o600);
    let key = fs::read_to_string(&one.key).unwrap();
    let open = file("open.key", &key, 0o644);
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let broken = file("broken.pem", broken, 0o600);
    let (cert, key) = (text_of(&one.certificate), text_of(&one.key));
    let other = text_of(&other.key);
    let ca = text_of(&authority.certificate);
    let check = |listen: &str, args: &[(&str, &str)], expected: &str| {
        let mut probe = Command::new(place::probe());
        probe.args(["run", "--listen", listen, "--socket", text(&socket)]);
        for (flag, file) in args {
            probe.args([*flag, *file]);
        }
        let output = probe.output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains(expected), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    };
    let here = "127.0.0.1:0";
    let (c, k, a) = ("--tls-cert", "--tls-key", "--tls-client-ca");
    let both = "give both --tls-cert FILE and --tls-key FILE";
    check(here, &[(c, &cert)], both);
    check(here, &[(k, &key)], both);
    check(here, &[(a, &ca)], both);
    check(
        here,
        &[(c, "/none.pem"), (k, &key)],
        "cannot read the certificate /none.pem",
    );
    check(
        here,
        &[(c, &cert), (k, "/none.key")],
        "cannot read the private key /none.key",
    );
    check(
        here,
        &[(c, &garbage), (k, &key)],
        "holds no certificate: it must be in PEM form",
    );
    check(
        here,
        &[(c, &cert), (k, &garbage)],
        "holds no private key: it must be in PEM form",
    );
    check(
        here,
        &[(c, &cert), (k, &open)],
        "is open to others: `chmod o-rwx` it",
    );
    check(
        here,
        &[(c, &cert), (k, &other)],
        "give the two that belong together",
    );
    check(
        here,
        &[(c, &broken), (k, &key)],
        "broken.pem cannot be used",
    );
    check(
        here,
        &[(c, &cert), (k, &key), (a, &garbage)],
        "holds no authority's certificate",
    );
    check(
        here,
        &[(c, &cert), (k, &key), (a, &broken)],
        "broken.pem cannot be used",
    );
    check(
        "0.0.0.0:0",
        &[],
        "(--tls-cert FILE --tls-key FILE --tls-client-ca FILE)",
    );
    check(
        "0.0.0.0:0",
        &[(c, &cert), (k, &key)],
        "TLS alone lets everybody in",
    );
}

fn text_of(path: &Path) -> String {
    text(path).to_owned()
}
