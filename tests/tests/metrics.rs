//! The agent's metrics, as Prometheus and its tools see them.

use std::time::Duration;

use probe_tests::{
    Agent, Container, Engine, Network, Prometheus, http::Door, image, prometheus, wait,
};

const SOON: Duration = Duration::from_secs(20);

#[test]
fn prometheus_scrapes_what_the_workload_counted() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let (_server, address) = Container::serving(&engine, &network, "server", 7000).unwrap();
    let agent = Agent::start(&engine, &[]).unwrap();
    let Door::Tcp(target) = agent.tcp else {
        panic!("no address")
    };
    let prometheus = Prometheus::scraping(target).unwrap();
    let client = Container::of(&engine, &image::WORKLOAD, "client")
        .unwrap()
        .on(&network)
        .command(["connect", "--request", "108", "--response", "1000"])
        .command(["--connections", "2000", "--to", &address])
        .run()
        .unwrap();

    let metrics = || agent.tcp.get("/metrics", &[]).unwrap().text();
    // Under way, and later when all is still.
    assert_eq!(prometheus::complaints(&metrics()).unwrap(), "");
    let tally = client.tally().unwrap();
    let labels = format!("{{container=\"client\",actual_destination=\"{address}\"}}");
    let ask = |metric: &str| prometheus.query(&format!("{metric}{labels}"));
    wait::until("Prometheus has seen every connection end", SOON, || {
        let opened = ask("container_net_tcp_successful_connects_total")?;
        let standing = ask("container_net_tcp_active_connections")?;
        Ok((opened == Some(2000.0) && standing == Some(0.0)).then_some(()))
    })
    .unwrap();
    let exact = |metric: &str, counted: u64| {
        let value = ask(metric).unwrap().map(|value| value.to_string());
        assert_eq!(value, Some(counted.to_string()), "{metric}");
    };
    exact("container_net_tcp_bytes_sent_total", tally.bytes_sent);
    exact(
        "container_net_tcp_bytes_received_total",
        tally.bytes_received,
    );
    let lost = r#"sum(probe_losses_total{cause!="runs_missed"})"#;
    let lost = prometheus.query(lost).unwrap();
    assert_eq!(lost, Some(0.0), "{}", metrics());
    assert_eq!(prometheus.query("up{job=\"probe\"}").unwrap(), Some(1.0));

    let metrics = metrics();
    assert!(metrics.contains("container=\"client\""), "{metrics}");
    assert_eq!(prometheus::complaints(&metrics).unwrap(), "");
}
