//! Clusters, services and tasks, made through ECS's own API: plain HTTP, no SDK.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// The family of every task.
pub const FAMILY: &str = "app";
/// The container's name in its definition.
pub const CONTAINER: &str = "main";
/// What is reserved for it: CPU units and MiB.
pub const RESERVED: (u32, u32) = (128, 256);

/// What a fleet is made with.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    server: SocketAddr,
}

impl Fleet {
    /// Talks to the server at this address, and registers the one task definition.
    pub fn at(server: SocketAddr) -> Result<Self> {
        let fleet = Self { server };
        let (cpu, memory) = RESERVED;
        let container =
            json!({"name": CONTAINER, "image": "busybox", "cpu": cpu, "memory": memory});
        let definition = json!({"family": FAMILY, "containerDefinitions": [container]});
        fleet.call("RegisterTaskDefinition", &definition)?;
        Ok(fleet)
    }

    /// Makes a cluster.
    pub fn cluster(&self, name: &str) -> Result<()> {
        let cluster = json!({"clusterName": name});
        self.call("CreateCluster", &cluster).map(drop)
    }

    /// Makes a service that wants two tasks, and gives its deployment's id.
    pub fn service(&self, cluster: &str, name: &str) -> Result<String> {
        let service = json!({"cluster": cluster, "serviceName": name, "taskDefinition": FAMILY, "desiredCount": 2});
        deployment(&self.call("CreateService", &service)?)
    }

    /// Deploys a service anew, and gives the new deployment's id.
    pub fn redeploy(&self, cluster: &str, name: &str) -> Result<String> {
        let service = json!({"cluster": cluster, "service": name, "forceNewDeployment": true});
        deployment(&self.call("UpdateService", &service)?)
    }

    /// Changes how many tasks a service wants.
    pub fn scale(&self, cluster: &str, name: &str, desired: u32) -> Result<()> {
        let service = json!({"cluster": cluster, "service": name, "desiredCount": desired});
        self.call("UpdateService", &service).map(drop)
    }

    /// Removes a service.
    pub fn remove_service(&self, cluster: &str, name: &str) -> Result<()> {
        let service = json!({"cluster": cluster, "service": name, "force": true});
        self.call("DeleteService", &service).map(drop)
    }

    /// Starts tasks of a group, the family's if there is none, and gives their ARNs.
    pub fn tasks(
        &self,
        cluster: &str,
        count: usize,
        group: Option<&str>,
        started_by: Option<&str>,
    ) -> Result<Vec<String>> {
        let mut task = json!({"cluster": cluster, "taskDefinition": FAMILY, "launchType": "FARGATE", "count": count});
        if let Some(group) = group {
            task["group"] = group.into();
        }
        if let Some(started_by) = started_by {
            task["startedBy"] = started_by.into();
        }
        let answer = self.call("RunTask", &task)?;
        let tasks = answer["tasks"].as_array().into_iter().flatten();
        let arns = tasks.filter_map(|task| task["taskArn"].as_str().map(str::to_owned));
        Ok(arns.collect())
    }

    /// Calls an operation of the API; the server checks no signature, but takes the region from it.
    fn call(&self, operation: &str, request: &Value) -> Result<Value> {
        let body = request.to_string();
        let mut server = TcpStream::connect(self.server).context("the server is gone")?;
        write!(
            server,
            "POST / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             X-Amz-Target: AmazonEC2ContainerServiceV20141113.{operation}\r\n\
             Content-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ecs/aws4_request, \
             SignedHeaders=host, Signature=none\r\n\r\n{body}",
            self.server,
            body.len()
        )?;
        let mut answer = String::new();
        server.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP")?;
        if !head.starts_with("HTTP/1.1 200") {
            bail!("{operation} of {request} failed: {answer}");
        }
        serde_json::from_str(body).with_context(|| format!("{operation} is not JSON: {body}"))
    }
}

fn deployment(answer: &Value) -> Result<String> {
    let id = answer["service"]["deployments"][0]["id"].as_str();
    id.map(str::to_owned).context("a service has no deployment")
}
