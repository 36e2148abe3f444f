//! The agent's introspection endpoint as the source.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use probe_user::identity::ecs::{Access, Options};
use probe_user::identity::{ContainerId, Directory, Ecs};
use tokio_util::sync::CancellationToken;

use crate::host::{labelled, options};

const TASK: &str = "arn:aws:ecs:us-west-2:012345678910:task/prod/0123456789abcdef0123456789abcdef";
const OTHER: &str = "arn:aws:ecs:us-west-2:012345678910:task/prod/fedcba9876543210fedcba9876543210";

/// Answers one request with the agent's documented shape, and gives the path asked for.
fn serve_once(listener: &TcpListener) -> io::Result<String> {
    let body = format!(
        r#"{{"Tasks":[{{"Arn":"{TASK}","DesiredStatus":"RUNNING","KnownStatus":"RUNNING","Family":"app",
        "Version":"3","Containers":[{{"DockerId":"00","DockerName":"ecs-app-3-main-00","Name":"main"}}]}}]}}"#
    );
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
