//! The fixtures themselves, on a real engine.

use std::time::Duration;

use probe_tests::{Container, Engine, Network, debian, image, wait};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn runs_containers_and_restarts() {
    let engine = Engine::start().unwrap();
    let other = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = Container::of(&engine, &image::BUSYBOX, "server")
        .unwrap()
        .on(&network)
        .publish(8080)
        .command(["httpd", "-f", "-p", "8080", "-h", "/etc"])
        .run()
        .unwrap();
    let client = Container::of(&engine, &image::BUSYBOX, "client")
        .unwrap()
        .on(&network)
        .command(["sleep", "600"])
        .run()
        .unwrap();
    assert_eq!(server.id().len(), 64);
    // A server that has started may not listen yet.
    let passwd = wait::until("the server answers", SOON, || {
        let answer = client.exec(["wget", "-q", "-O", "-", "http://server:8080/passwd"]);
        Ok(answer.ok())
    });
    assert!(passwd.unwrap().starts_with("root:"));
    assert_eq!(other.docker(["ps", "--quiet"]).unwrap(), "");

    engine.restart().unwrap();
    assert!(!server.running().unwrap());
    server.start().unwrap();
    assert!(server.running().unwrap());
    let address = server.ip(&network).unwrap();
    let answer = wait::until("the server answers again", SOON, || {
        let answer = engine
            .beside(debian::program("busybox")?.file())
            .args(["wget", "-q", "-O", "-"])
            .arg(format!("http://{address}:8080/group"))
            .output()?;
        Ok(answer.status.success().then_some(answer))
    })
    .unwrap();
    assert!(
        String::from_utf8_lossy(&answer.stdout).starts_with("root:"),
        "{answer:?}"
    );

    // From the host, through the published port.
    let port = server.published(8080).unwrap();
    let published = std::net::TcpStream::connect((engine.address(), port));
    assert!(published.is_ok(), "{published:?}");
}

#[test]
fn leaves_nothing_behind() {
    let engine = Engine::start().unwrap();
    let container = Container::of(&engine, &image::BUSYBOX, "sleeper")
        .unwrap()
        .command(["sleep", "600"])
        .run()
        .unwrap();
    let netns = engine.netns();
    let dir = engine.host();
    let dir = dir
        .trim_start_matches("unix://")
        .trim_end_matches("/docker.sock")
        .to_owned();
    drop(container);
    drop(engine);
    assert!(!netns.exists());
    assert!(!std::path::Path::new(&dir).exists());
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(&format!("{dir}/")), "{mounts}");
}

#[test]
fn both_ends_count_the_same() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = Container::of(&engine, &image::WORKLOAD, "server")
        .unwrap()
        .on(&network)
        .command(["serve", "--port", "7000"])
        .run()
        .unwrap();
    server.wait_for_line("listening", SOON).unwrap();
    let address = server.ip(&network).unwrap();
    let client = Container::of(&engine, &image::WORKLOAD, "client")
        .unwrap()
        .on(&network)
        .command([
            "connect",
            "--to",
            &format!("{address}:7000"),
            "--connections",
            "500",
        ])
        .command([
            "--request",
            "108",
            "--response",
            "100000",
            "--concurrency",
            "4",
        ])
        .command(["--to", &format!("{address}:7001")])
        .run()
        .unwrap();
    let client = client.tally().unwrap();
    server.stop().unwrap();
    let server = server.tally().unwrap();
    assert_eq!(client.connections, 500, "{client:?}");
    assert_eq!(client.bytes_sent, 500 * 108);
    assert_eq!(client.bytes_received, 500 * 100_000);
    assert_eq!(client.failures, 500, "nobody listens on 7001");
    assert_eq!(client.targets[0].tally.failures, 0);
    assert_eq!(client.targets[1].tally.connections, 0);
    assert_eq!(server.connections, 500);
    assert_eq!(server.failures, 0, "{server:?}");
    assert_eq!(server.bytes_received, client.bytes_sent);
    assert_eq!(server.bytes_sent, client.bytes_received);
}
