use std::io::Write as _;

use super::*;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    owned.collect()
}

fn refused(text: &str) -> String {
    let file = file(text);
    let resolved = Config::resolve(Some(file.path()), [], []);
    let error = resolved
        .and_then(|config| Settings::of(&config))
        .unwrap_err();
    error
        .to_string()
        .replace(&file.path().display().to_string(), "FILE")
}

#[test]
fn flags_are_stronger_than_the_environment_and_that_than_the_file() {
    let file = file("listen = \"none\"\ninterval = \"5s\"\nmax_flows = 7\nengine = [\"a\", \"b\"]");
    let environment = environment(&[
        ("PROBE_INTERVAL", "4s"),
        ("PROBE_SOCKET", "/tmp/probe.sock"),
        ("PROBE_PORT", "tcp://10.0.0.1:80"),
        ("PROBE_ALLOW_HOST", "a.example, b.example"),
    ]);
    let flags = [("interval", vec!["3s".to_owned()]), ("events", Vec::new())];
    let config = Config::resolve(Some(file.path()), environment, flags).unwrap();
    let text = config.text();
    insta::assert_snapshot!(text.replace(&file.path().display().to_string(), "FILE"), @r#"
    listen = "none"                          # FILE
    socket = "/tmp/probe.sock"               # PROBE_SOCKET
    # socket-group = unset                   # default
    # token-file = unset                     # default
    # tls-cert = unset                       # default
    # tls-key = unset                        # default
    # tls-client-ca = unset                  # default
    allow-host = ["a.example", "b.example"]  # PROBE_ALLOW_HOST
    interval = "3s"                          # --interval
    max-flows = 7                            # FILE
    max-series = 10000                       # default
    engine = ["a", "b"]                      # FILE
    events = true                            # default
    log-format = "text"                      # default
    no-sandbox = false                       # default
    "#);
    assert!(text.parse::<toml::Table>().is_ok(), "it is a file itself");
}

#[test]
fn what_is_wrong_with_a_file_is_said_in_one_sentence() {
    insta::assert_snapshot!(refused("lisen = \"none\""), @r#"FILE has no setting "lisen"; the nearest is "listen""#);
    insta::assert_snapshot!(refused("max-flow = 7"), @r#"FILE has no setting "max-flow"; the nearest is "max-flows""#);
    insta::assert_snapshot!(refused("max-flows = \"7\""), @"FILE: max-flows must be a whole number");
    insta::assert_snapshot!(refused("max-flows = 0"), @r#"max-flows cannot be "0" (from FILE): it must be a number from 1 to 16777216"#);
    insta::assert_snapshot!(refused("events = true\nlisten = "), @"FILE, line 2: string values must be quoted, expected literal string");
    insta::assert_snapshot!(refused("listen = \"here\""), @r#"listen cannot be "here" (from FILE): it must be an address and a port, as in 127.0.0.1:4040, or none"#);
    insta::assert_snapshot!(refused("interval = \"1ms\""), @r#"interval cannot be "1ms" (from FILE): the shortest interval is 100ms"#);
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let resolved = Config::resolve(Some(Path::new("/nonexistent/probe.toml")), [], []);
    assert!(matches!(resolved, Err(ConfigError::Read { .. })));
}

#[test]
fn fuzz_config() {
    const SEEDS: &[&str] = &[
        "listen = \"0.0.0.0:4040\"\nmax_flows = 7\nengine = [\"unix:///a\", \"b\"]\nevents = false",
        "interval = \"1s 5ms\"\n[table]\nlog-format = 'json'\nmax-series = 0x10",
        "tls-cert = \"\"\"a\nb\"\"\"\nsocket = \"none\"\nno-sandbox = 1\nallow-host = [[]]",
    ];
    crate::fuzz::run(SEEDS, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let mut config = Config::default();
        let given = match file::parse(Path::new("FILE"), &text) {
            Ok(given) => given,
            Err(error) => return (0, error.to_string().len()),
        };
        for (name, values) in given {
            config.set(name, values, Origin::File("FILE".into()));
        }
        // What was read can be written, and read again.
        let written = config.text();
        file::parse(Path::new("FILE"), &written).unwrap();
        match Settings::of(&config) {
            Ok(settings) => (1, settings.engines.len()),
            Err(error) => (2, error.to_string().len()),
        }
    });
}
