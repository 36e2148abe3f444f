//! A message as JSON.

use std::{borrow::Cow, net::SocketAddr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{Talk, call, has_bytes};
use crate::{
    identity::{Container, workload::Workload},
    kernel::messages::Channel,
};

impl Talk {
    /// A JSON object and a line feed.
    pub fn json(&self) -> serde_json::Result<String> {
        let message = &self.message;
        let (local, remote, path) = match &message.channel {
            Channel::Inet { local, remote, .. } => (Some(*local), *remote, None),
            Channel::Unix { path, .. } => (None, None, path.as_deref()),
            Channel::File { path, .. } => (None, None, Some(path.as_str())),
        };
        let text = std::str::from_utf8(&message.payload).ok();
        let wire = Wire {
            time: format!("{:.9}", self.time),
            kind: self.verb(),
            container: self.container.as_deref().map(WireContainer::from),
            command: &message.command,
            pid: message.pid.0,
            thread: message.thread.0,
            fd: has_bytes(message.call).then_some(message.fd),
            call: call(message.call),
            protocol: self.protocol(),
            local,
            remote,
            path,
            peer: (!self.is_about_a_file()).then(|| WirePeer::of(&self.peer, self.peer_name())),
            bytes: message.length,
            captured: self.captured(),
            redacted: self.redacted,
            text,
            base64: text.is_none().then(|| STANDARD.encode(&message.payload)),
        };
        Ok(serde_json::to_string(&wire)? + "\n")
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    time: String,
    #[serde(rename = "type")]
    kind: &'static str,
    container: Option<WireContainer<'a>>,
    command: &'a str,
    pid: u32,
    thread: u32,
    /// Of a call that has the socket or file as its first argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    fd: Option<i32>,
    /// The system call; `null` for one that has no name here.
    call: Option<&'static str>,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    /// Of a socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<WirePeer<'a>>,
    bytes: u32,
    captured: usize,
    redacted: usize,
    /// The payload where it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    /// The payload where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

#[derive(Serialize)]
struct WireContainer<'a> {
    id: &'a str,
    name: Option<&'a str>,
    image: Option<&'a str>,
}

impl<'a> From<&'a Container> for WireContainer<'a> {
    fn from(container: &'a Container) -> Self {
        Self {
            id: container.id.as_str(),
            name: container.name.as_deref(),
            image: container.image.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct WirePeer<'a> {
    kind: &'static str,
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
}

impl<'a> WirePeer<'a> {
    fn of(workload: &'a Workload, name: Cow<'a, str>) -> Self {
        let (kind, id) = match workload {
            Workload::Container(container) => ("container", Some(container.id.as_str())),
            Workload::Process(_) => ("process", None),
            Workload::Host => ("host", None),
            Workload::External(_) => ("external", None),
            Workload::Unknown => ("unknown", None),
        };
        Self { kind, name, id }
    }
}
