//! `probe ecs` on a real engine: 40 containers with ECS's labels.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use probe_tests::fleet::CONTAINER;
use probe_tests::proxy::Fault;
use probe_tests::{Container, Engine, Fleet, Moto, Proxy, image, place};
use serde_json::Value;

use crate::host::labels;

const TASK: &str = "arn:aws:ecs:us-west-2:012345678910:task/prod/0123456789abcdef0123456789abcdef";

/// Containers of each cluster, in two services.
const CLUSTERS: [(&str, usize); 3] = [("alpha", 20), ("beta", 12), ("gamma", 8)];

/// The probe, ended when it waits for ever.
fn patient() -> Command {
    let mut command = Command::new("timeout");
    command.arg("60").arg(place::probe());
    command
}

/// Runs `probe ecs ARGS`, and gives stdout and stderr.
fn probe(engine: &Engine, endpoint: &str, args: &[&str]) -> Result<(String, String)> {
    let output = patient()
        .arg("ecs")
        .args(args)
        .env("DOCKER_HOST", engine.host())
        .env("AWS_ENDPOINT_URL_ECS", endpoint)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "not-to-be-seen")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("RUST_LOG", "probe_user=debug")
        .output()
        .context("cannot start the probe; `cargo xtask build` makes it")?;
    let (stdout, stderr) = (
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    );
    ensure!(output.status.success(), "{}: {stderr}", output.status);
    ensure!(
        !stderr.contains("not-to-be-seen"),
        "a secret was logged: {stderr}"
    );
    Ok((stdout, stderr))
}

#[test]
fn forty_containers_are_printed_with_task_and_service() {
    let engine = Engine::start().unwrap();
    let moto = Moto::start().unwrap();
    let proxy = Proxy::start(moto.address()).unwrap();
    let fleet = Fleet::at(moto.address()).unwrap();
    let sleeper = |name: &str| {
        let start = Container::of(&engine, &image::BUSYBOX, name)?;
        anyhow::Ok(start.command(["sleep", "600"]))
    };
    let plain = sleeper("plain").unwrap().run().unwrap();

    let (text, stderr) = probe(&engine, &proxy.endpoint(), &["--stats"]).unwrap();
    assert!(
        text.starts_with("no container of this host is of an ECS task\n"),
        "{text}"
    );
    assert!(proxy.calls().is_empty(), "not on ECS, nothing is asked");
    assert!(!stderr.contains("ECS"), "{stderr}");

    let mut containers = Vec::new();
    for (cluster, count) in CLUSTERS {
        fleet.cluster(cluster).unwrap();
        for service in ["web", "db"] {
            let deployment = fleet.service(cluster, service).unwrap();
            let group = format!("service:{service}");
            let tasks = fleet.tasks(cluster, count / 2, Some(&group), Some(&deployment));
            for (number, arn) in tasks.unwrap().into_iter().enumerate() {
                let name = format!("ecs-{cluster}-{service}-{number}");
                let start = labels(&arn, cluster)
                    .into_iter()
                    .fold(sleeper(&name).unwrap(), |start, (name, value)| {
                        start.label(name, value)
                    });
                containers.push((start.run().unwrap(), arn, cluster, service));
            }
        }
    }

    let (text, _) = probe(&engine, &proxy.endpoint(), &["--output", "json", "--stats"]).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["schema"], "probe.ecs/v1");
    assert_eq!(json["tasks"].as_array().unwrap().len(), 40);
    for (container, arn, cluster, service) in &containers {
        let tasks = json["tasks"].as_array().unwrap();
        let task = tasks
            .iter()
            .find(|task| task["arn"] == arn.as_str())
            .unwrap();
        assert_eq!(task["cluster"], *cluster);
        assert_eq!(task["service"], *service);
        assert_eq!(task["definition"], "app:1");
        assert_eq!(task["containers"][0]["id"], container.id());
        assert_eq!(task["containers"][0]["name"], container.name());
        assert_eq!(task["containers"][0]["container_name"], CONTAINER);
        assert_eq!(task["containers"][0]["cpu"], 128);
        assert!(task["age"].as_f64().unwrap() < 15.0);
    }
    assert_eq!(json["services"].as_array().unwrap().len(), 6);
    for service in json["services"].as_array().unwrap() {
        assert_eq!(
            (&service["status"], &service["desired"]),
            (&"ACTIVE".into(), &2.into())
        );
    }
    let stats = &json["stats"];
    let calls = [
        &stats["describe_tasks"],
        &stats["describe_services"],
        &stats["list_services"],
    ];
    assert_eq!(calls, [3, 3, 0], "{stats}");
    assert_eq!(proxy.calls().len(), 6);

    let (text, _) = probe(&engine, &proxy.endpoint(), &[]).unwrap();
    assert_eq!(text.lines().count(), 1 + 40 + 1 + 1 + 6, "{text}");
    assert!(!text.contains(plain.name()));

    // Nobody answers: the labels are there all the same, and it does not wait for ever.
    proxy.set(Fault::Refuse);
    let (text, stderr) = probe(&engine, &proxy.endpoint(), &["--stats"]).unwrap();
    assert_eq!(text.matches("app:1").count(), 40, "{text}");
    assert!(stderr.contains("marked with its age"), "{stderr}");

    // For a while: a refresh a second, and each of them three calls.
    proxy.set(Fault::None);
    let before = proxy.calls().len();
    let long = [
        "--duration",
        "6s",
        "--ecs-refresh",
        "1s",
        "--output",
        "json",
        "--stats",
    ];
    let (text, _) = probe(&engine, &proxy.endpoint(), &long).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let refreshes = json["stats"]["describe_services"].as_u64().unwrap();
    // Of a slow machine the first answers take most of the time.
    assert!((3 * 2..=3 * 7).contains(&refreshes), "{text}");
    assert_eq!(json["stats"]["describe_tasks"], 3);
    let calls = proxy.calls().len() - before;
    assert_eq!(calls, usize::try_from(refreshes).unwrap() + 3);
}

/// The region is the task's; without keys no call can be signed, and none is sent.
#[test]
fn without_credentials_the_labels_are_there() {
    let engine = Engine::start().unwrap();
    let moto = Moto::start().unwrap();
    let proxy = Proxy::start(moto.address()).unwrap();
    let start = labels(TASK, "prod").into_iter().fold(
        Container::of(&engine, &image::BUSYBOX, "web").unwrap(),
        |start, (name, value)| start.label(name, value),
    );
    let _container = start.command(["sleep", "600"]).run().unwrap();
    let output = patient()
        .args(["ecs", "--engine", &engine.host()])
        .env_clear()
        .env("AWS_ENDPOINT_URL_ECS", proxy.endpoint())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stderr}");
    assert!(stdout.contains("app:1"), "{stdout}");
    assert_eq!(stderr.matches("WARN").count(), 1, "{stderr}");
    assert!(proxy.calls().is_empty());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn without_an_engine_it_says_what_to_do() {
    let output = Command::new(place::probe())
        .args(["ecs", "--engine", "unix:///nonexistent.sock"])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("probe: no Docker engine"), "{stderr}");
    assert!(stderr.contains("--engine"), "{stderr}");
}
