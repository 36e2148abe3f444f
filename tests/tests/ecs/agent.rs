//! The agent's introspection endpoint as the source.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use probe_tests::{Container, Engine, debian, image, place, wait};
use probe_user::identity::ecs::{Access, Options};
use probe_user::identity::{ContainerId, Directory, Ecs};
use tokio_util::sync::CancellationToken;

use crate::host::{labelled, labels, options};

const SOON: Duration = Duration::from_secs(20);

const TASK: &str = "arn:aws:ecs:us-west-2:012345678910:task/prod/0123456789abcdef0123456789abcdef";
const OTHER: &str = "arn:aws:ecs:us-west-2:012345678910:task/prod/fedcba9876543210fedcba9876543210";

/// What the agent answers, by its documentation.
fn document() -> String {
    format!(
        r#"{{"Tasks":[{{"Arn":"{TASK}","DesiredStatus":"RUNNING","KnownStatus":"RUNNING","Family":"app",
        "Version":"3","Containers":[{{"DockerId":"00","DockerName":"ecs-app-3-main-00","Name":"main"}}]}}]}}"#
    )
}

/// Answers one request, and gives the path asked for.
fn serve_once(listener: &TcpListener) -> io::Result<String> {
    let body = document();
    let (mut client, _) = listener.accept()?;
    let mut lines = BufReader::new(client.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    write!(
        client,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    Ok(request)
}

fn follow(address: SocketAddr) -> (Arc<Directory>, Ecs, CancellationToken) {
    let directory = Arc::new(Directory::default());
    let shutdown = CancellationToken::new();
    let options = Options {
        access: Access::Agent(address),
        ..options()
    };
    let ecs = Ecs::spawn(Arc::clone(&directory), options, shutdown.clone());
    (directory, ecs, shutdown)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agent_tells_tasks_in_one_answer_and_no_services() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (directory, ecs, shutdown) = follow(listener.local_addr().unwrap());
    let (id, other) = (ContainerId::new("here"), ContainerId::new("other"));
    directory.upsert(labelled(&id, TASK, "prod"), Instant::now());
    directory.upsert(labelled(&other, OTHER, "prod"), Instant::now());
    let request = tokio::task::spawn_blocking(move || serve_once(&listener)).await;
    let request = request.unwrap().unwrap();
    assert!(request.starts_with("GET /v1/tasks "), "{request}");
    ecs.settled().await;
    let view = |id| ecs.of(&directory.container(id).unwrap()).unwrap();
    let task = view(&id).task.unwrap();
    assert_eq!(task.value.revision.as_deref(), Some("3"));
    assert_eq!(task.value.containers[0].name, "main");
    assert_eq!((view(&id).service, view(&other).task), (None, None));
    let stats = ecs.stats();
    assert_eq!((stats.agent_tasks, stats.calls(), stats.errors), (1, 1, 0));
    shutdown.cancel();
    ecs.ended().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_not_there_takes_nothing_from_the_labels() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (directory, ecs, shutdown) = follow(address);
    let id = ContainerId::new("here");
    directory.upsert(labelled(&id, TASK, "prod"), Instant::now());
    tokio::time::timeout(Duration::from_secs(10), ecs.settled())
        .await
        .unwrap();
    let view = ecs.of(&directory.container(&id).unwrap()).unwrap();
    assert_eq!(
        (view.definition().as_deref(), view.task),
        (Some("app:1"), None)
    );
    assert!(ecs.stats().errors > 0);
    shutdown.cancel();
    ecs.ended().await;
}

/// A server ended when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where the agent listens on every host of ECS's: in a network namespace that has nobody else there.
#[test]
fn the_command_asks_the_agent_of_this_host() {
    let engine = Engine::start().unwrap();
    let files = tempfile::tempdir().unwrap();
    fs::create_dir(files.path().join("v1")).unwrap();
    fs::write(files.path().join("v1/tasks"), document()).unwrap();
    let httpd = engine
        .beside(debian::program("busybox").unwrap().file())
        .args(["httpd", "-f", "-p", "127.0.0.1:51678", "-h"])
        .arg(files.path())
        .spawn();
    let _httpd = Server(httpd.unwrap());
    let start = labels(TASK, "prod").into_iter().fold(
        Container::of(&engine, &image::BUSYBOX, "main").unwrap(),
        |start, (name, value)| start.label(name, value),
    );
    let _container = start.command(["sleep", "600"]).run().unwrap();
    let probe = || {
        let mut probe = engine.beside(place::probe());
        let asks = ["ecs", "--ecs-source", "agent", "--stats", "--engine"];
        let output = probe.args(asks).arg(engine.host()).env_clear().output()?;
        let (stdout, stderr) = (String::from_utf8(output.stdout)?, output.stderr);
        // Until the server listens.
        Ok(stderr.is_empty().then_some(stdout))
    };
    let printed = wait::until("the agent has answered", SOON, probe).unwrap();
    let line = printed.lines().find(|line| line.contains("prod")).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    let id = TASK.rsplit('/').next().unwrap();
    assert_eq!(words[..5], ["prod", id, "app:1", "-", "main"], "{printed}");
    assert!(words[8].ends_with('s'), "it has an age: {printed}");
    let stats: Vec<_> = printed
        .lines()
        .filter(|line| line.starts_with("agent tasks") || line.starts_with("Describe"))
        .map(|line| line.split_whitespace().last().unwrap())
        .collect();
    assert_eq!(stats, ["0", "0", "1"], "{printed}");
}

#[test]
fn a_filter_for_services_is_told_that_the_agent_knows_none() {
    let listed = |words: &[&str]| {
        let mut probe = Command::new(place::probe());
        probe.args([
            "ps",
            "--filter",
            "ecs.service = web",
            "--engine",
            "unix:///nowhere",
        ]);
        let output = probe.args(words).env_clear().output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let told = listed(&["--ecs-source", "agent"]);
    assert!(told.contains("the ECS agent knows no services"), "{told}");
    let told = listed(&[]);
    assert!(!told.contains("the ECS agent"), "{told}");
}
