//! The agent's metrics, pushed to a receiver of OTLP.

use std::process::Command;
use std::time::Duration;

use probe_tests::{Agent, Container, Engine, Network, Receiver, image, place, wait};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_receiver_gets_what_the_workload_counted() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let receiver = Receiver::start().unwrap();
    let endpoint = receiver.endpoint();
    let env = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
    ];
    let agent = Agent::start_with(&engine, &[], &env).unwrap();
    let tally = Container::of(&engine, &image::WORKLOAD, "client")
        .unwrap()
        .on(&network)
        .command(["connect", "--request", "108", "--response", "1000"])
        .command(["--connections", "200", "--to", &address])
        .run()
        .unwrap()
        .tally()
        .unwrap();

    let find = |points: &[Value], name: &str| {
        let mut points = points.iter().filter(|point| point["name"] == name);
        points
            .find(|point| {
                point["labels"]["container"] == "client"
                    && point["labels"]["actual_destination"] == address
            })
            .cloned()
    };
    let points = wait::until("every connection has ended", SOON, || {
        let points = receiver.points()?;
        let standing = find(&points, "container_net_tcp_active_connections");
        let opened = find(&points, "container_net_tcp_successful_connects_total");
        let value = |point: Option<Value>| point.map(|point| point["value"].clone());
        let done = value(standing) == Some(0.into()) && value(opened) == Some(200.into());
        Ok(done.then_some(points))
    })
    .unwrap_or_else(|error| panic!("{error:#}: {}", agent.probe.stderr()));
    for (name, counted) in [
        ("container_net_tcp_bytes_sent_total", tally.bytes_sent),
        (
            "container_net_tcp_bytes_received_total",
            tally.bytes_received,
        ),
    ] {
        let point = find(&points, name).unwrap();
        assert_eq!(point["value"], counted, "{point}");
        assert_eq!(
            (&point["kind"], &point["cumulative"]),
            (&"sum".into(), &true.into())
        );
        assert_eq!(point["resource"]["service.name"], "probe");
        assert!(point["span"].as_i64().unwrap() > 0, "{point}");
    }
    // The same metrics as at the other door: one of which there is no sample yet is not pushed.
    // What has its first sample now comes with the next push.
    let mut missing = Vec::new();
    let text = wait::until("both doors tell the same", SOON, || {
        let text = agent.tcp.get("/metrics", &[])?.text();
        let points = receiver.points()?;
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let names = samples.filter_map(|line| line.split([' ', '{']).next());
        let missed = names.filter(|name| points.iter().all(|point| point["name"] != *name));
        missing = missed.map(str::to_owned).collect();
        Ok(missing.is_empty().then_some(text))
    });
    let text = text.unwrap_or_else(|error| panic!("{error:#}: {missing:?}"));
    assert!(
        !text.contains("probe_otlp_exports_total{result=\"taken\"} 0\n"),
        "{text}"
    );
    assert!(
        text.contains("probe_otlp_exports_total{result=\"failed\"} 0\n"),
        "{text}"
    );
}

#[test]
fn a_receiver_that_is_away_is_said_and_one_that_is_none_is_refused() {
    let engine = Engine::start().unwrap();
    // Nobody listens on port 1.
    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")];
    let agent = Agent::start_with(&engine, &[], &env).unwrap();
    agent
        .probe
        .wait_for_stderr("metrics cannot be pushed", SOON)
        .unwrap();
    assert_eq!(agent.tcp.get("/healthz", &[]).unwrap().status, 200);
    let output = Command::new(place::probe())
        .args(["run", "--listen", "none", "--socket", "none"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("OTEL_EXPORTER_OTLP_ENDPOINT") && said.contains("TLS"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");
}
