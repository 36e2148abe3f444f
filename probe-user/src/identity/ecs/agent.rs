//! The introspection endpoint of this host's ECS agent: its tasks, without AWS. It tells neither
//! group nor deployment, and so no service.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

use super::arn::{ClusterName, TaskArn};
use super::source::{Operation, SourceError, TaskSource, Trouble};
use super::task::{MAX_CONTAINERS, Reserved, Task, TaskContainer};

/// Where the agent listens.
pub const AGENT_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 51_678);

/// The longest answer taken: some 4,000 tasks.
const MAX_ANSWER: usize = 8 << 20;

type BoxError = Box<dyn Error + Send + Sync>;

/// A client of the agent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agent {
    address: SocketAddr,
    timeout: Duration,
}

#[derive(Deserialize)]
struct WireTasks {
    #[serde(rename = "Tasks", default)]
    tasks: Vec<WireTask>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireTask {
    arn: Option<String>,
    family: Option<String>,
    version: Option<String>,
    #[serde(default)]
    containers: Vec<WireContainer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireContainer {
    name: Option<String>,
}

impl Agent {
    pub(super) fn new(address: SocketAddr, timeout: Duration) -> Self {
        Self { address, timeout }
    }

    async fn ask(&self) -> Result<Vec<Task>, BoxError> {
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::get("/v1/tasks")
            .header(HOST, self.address.to_string())
            .body(Empty::<Bytes>::new())?;
        let answer = async {
            let answer = sender.send_request(request).await?;
            if answer.status() != StatusCode::OK {
                return Err(format!("it answered {}", answer.status()).into());
            }
            let body = Limited::new(answer.into_body(), MAX_ANSWER)
                .collect()
                .await?;
            read(&body.to_bytes())
        };
        let mut answer = std::pin::pin!(answer);
        // The connection must be polled for the answer to come. When it ends first, what it
        // brought is still to be read.
        tokio::select! {
            answer = &mut answer => answer,
            ended = connection => {
                ended?;
                answer.await
            }
        }
    }
}

impl TaskSource for Agent {
    fn operation(&self) -> Operation {
        Operation::AgentTasks
    }

    /// One answer holds all tasks of the host.
    fn batch(&self) -> usize {
        usize::MAX
    }

    async fn tasks(
        &self,
        cluster: &ClusterName,
        tasks: &[TaskArn],
    ) -> Result<Vec<Task>, SourceError> {
        let answer = tokio::time::timeout(self.timeout, self.ask()).await;
        let mut known = answer
            .unwrap_or_else(|elapsed| Err(elapsed.into()))
            .map_err(|source| SourceError {
                operation: Operation::AgentTasks,
                cluster: Some(cluster.clone()),
                trouble: Trouble::Unreachable,
                reason: format!("the ECS agent at {}: {source}", self.address),
                source,
            })?;
        known.retain(|task| tasks.contains(&task.arn));
        Ok(known)
    }
}

fn read(body: &[u8]) -> Result<Vec<Task>, BoxError> {
    let answer: WireTasks = serde_json::from_slice(body)?;
    Ok(answer.tasks.into_iter().filter_map(task).collect())
}

fn task(wire: WireTask) -> Option<Task> {
    let containers = wire.containers.into_iter().take(MAX_CONTAINERS);
    Some(Task {
        family: wire.family,
        revision: wire.version,
        containers: containers
            .filter_map(|container| {
                Some(TaskContainer {
                    name: container.name?,
                    reserved: Reserved::default(),
                })
            })
            .collect(),
        ..Task::new(TaskArn::parse(&wire.arn?).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_answer_is_read() {
        let answer = r#"{"Tasks": [{
            "Arn": "arn:aws:ecs:us-west-2:012345678910:task/default/example5-58ff-46c9-ae05-543f8example",
            "DesiredStatus": "RUNNING", "KnownStatus": "RUNNING",
            "Family": "hello_world", "Version": "8",
            "Containers": [
                {"DockerId": "9581a69a761a557fbfce1d0f6745e4af5b9dbfb86b6b2c5c4df156f1a5932ff1",
                 "DockerName": "ecs-hello_world-8-mysql-fcae8ac8f9f1d89d8301", "Name": "mysql"},
                {"DockerId": "bf25c5c5b2d4dba68846c7236e75b6915e1e778d31611e3c6a06831e39814a15",
                 "DockerName": "ecs-hello_world-8-wordpress-e8bfddf9b488dff36c00", "Name": "wordpress"}
            ]}, {"KnownStatus": "PENDING"}]}"#;
        let tasks = read(answer.as_bytes()).unwrap();
        assert_eq!(tasks.len(), 1);
        assert_eq!(tasks[0].family.as_deref(), Some("hello_world"));
        assert_eq!(tasks[0].revision.as_deref(), Some("8"));
        assert_eq!(tasks[0].containers[1].name, "wordpress");
        assert!(tasks[0].service().is_none());
    }

    #[test]
    fn fuzz_ecs_agent() {
        const SEEDS: &[&str] = &[
            r#"{"Tasks": [{"Arn": "arn:aws:ecs:us-west-2:012345678910:task/default/example5-58ff", "KnownStatus": "RUNNING",
                "Family": "hello_world", "Version": "8", "Containers": [{"DockerId": "9581", "Name": "mysql"}, {}]}, {}]}"#,
            r#"{"Tasks": [{"Arn": "arn:aws-cn:ecs:cn-north-1:012345678910:task/f8ab", "Containers": null}]}"#,
        ];
        crate::fuzz::run(SEEDS, |bytes| {
            let tasks = read(bytes).ok()?;
            Some(
                tasks
                    .iter()
                    .map(|task| task.containers.len())
                    .collect::<Vec<_>>(),
            )
        });
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        assert!(read(b"").is_err());
        assert!(read(b"<html>").is_err());
        assert!(read(br#"{"Tasks": 1}"#).is_err());
        assert!(read(b"{}").unwrap().is_empty());
    }
}
