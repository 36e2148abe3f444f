//! Messages, as text with their payload or as JSON.

mod payload;
mod redact;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt::Write as _, net::SocketAddr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::Serialize;

use super::units::printable;
use crate::{
    filter::{self, Field, Value, of::ContainerFields},
    identity::{
        Container,
        workload::{Holders, Host, Workload, Workloads as _},
    },
    kernel::messages::{Direction, Message, Socket},
};
pub use redact::redact;

/// How payload is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Payload {
    /// As text; what cannot be printed as a dot.
    #[default]
    Text,
    /// In hexadecimal, with the text beside.
    Hex,
}

/// A message, and whose it is.
#[derive(Clone, Debug)]
pub struct Talk {
    message: Message,
    /// When.
    time: Timestamp,
    /// Whose process it is; `None` outside containers.
    container: Option<Arc<Container>>,
    /// Who the other end is.
    peer: Workload,
    /// The host's name.
    host: Arc<str>,
    /// Secrets that were overwritten.
    redacted: usize,
}

impl Talk {
    /// `time` is when it was said; `holders` is who held the other ends of unix sockets.
    #[must_use]
    pub fn new(
        message: Message,
        time: Timestamp,
        known: &Host,
        holders: &mut Holders,
        host: &Arc<str>,
    ) -> Self {
        let workload = known.in_cgroup(message.cgroup, &message.command);
        let peer = peer(&message, &workload, known, holders);
        let container = match workload {
            Workload::Container(container) => Some(container),
            _ => None,
        };
        Self {
            message,
            time,
            container,
            peer,
            host: Arc::clone(host),
            redacted: 0,
        }
    }

    /// Overwrites what looks like a secret.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        (self.message.payload, self.redacted) = redact(&self.message.payload);
        self
    }

    /// Whether less than all of it was kept.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.captured() < self.message.length as usize
    }

    fn captured(&self) -> usize {
        self.message.payload.len()
    }

    fn verb(&self) -> &'static str {
        match self.message.direction {
            Direction::Sent => "write",
            Direction::Received => "read",
        }
    }

    fn protocol(&self) -> &'static str {
        match self.message.socket {
            Socket::Inet { tcp: true, .. } => "tcp",
            Socket::Inet { tcp: false, .. } => "udp",
            Socket::Unix { .. } => "unix",
        }
    }

    fn container_name(&self) -> &str {
        let container = self.container.as_deref();
        container.map_or("host", Container::display_name)
    }

    /// Who the other end is, by name.
    fn peer_name(&self) -> Cow<'_, str> {
        match &self.peer {
            Workload::Container(container) => container.display_name().into(),
            Workload::Process(command) => Cow::Borrowed(command),
            Workload::Host => "host".into(),
            Workload::External(address) => address.to_string().into(),
            Workload::Unknown => "?".into(),
        }
    }

    /// `CLIENT->SERVER:PORT` as the kernel sees them, or the path.
    fn name(&self) -> String {
        match &self.message.socket {
            Socket::Inet { local, remote, .. } => match remote {
                Some(remote) => format!("{local}->{remote}"),
                None => format!("{local}->?"),
            },
            Socket::Unix { path, .. } => path.clone().unwrap_or_else(|| "socketpair".to_owned()),
        }
    }

    /// A line on who said how much to whom, and the payload below.
    #[must_use]
    pub fn text(&self, how: Payload) -> String {
        let message = &self.message;
        let mut port = String::new();
        if let Socket::Inet {
            remote: Some(remote),
            ..
        } = &message.socket
        {
            port = format!(":{}", remote.port());
        }
        let preposition = match message.direction {
            Direction::Sent => "to",
            Direction::Received => "from",
        };
        let mut text = format!(
            "------ {:.6} {} {} {} B {preposition} {}{port} ({}[{}] {} {})",
            self.time,
            printable(self.container_name()),
            self.verb(),
            message.length,
            printable(&self.peer_name()),
            printable(&message.command),
            message.pid,
            self.protocol(),
            printable(&self.name()),
        );
        if self.captured() == 0 {
            // Their bytes are in no memory of the program's, or not there any more.
            text.push_str(", none shown: moved by ");
            match call(message.call) {
                Some(name) => text.push_str(name),
                None => drop(write!(text, "system call {}", message.call)),
            }
        } else if self.is_cut() {
            let _ = write!(text, ", {} shown", self.captured());
        }
        text.push('\n');
        match how {
            Payload::Text => payload::text(&message.payload, &mut text),
            Payload::Hex => payload::hex(&message.payload, &mut text),
        }
        text
    }

    /// A JSON object and a line feed.
    pub fn json(&self) -> serde_json::Result<String> {
        let message = &self.message;
        let (local, remote, path) = match &message.socket {
            Socket::Inet { local, remote, .. } => (Some(*local), *remote, None),
            Socket::Unix { path, .. } => (None, None, path.as_deref()),
        };
        let text = std::str::from_utf8(&message.payload).ok();
        let wire = Wire {
            time: format!("{:.9}", self.time),
            kind: self.verb(),
            container: self.container.as_deref().map(WireContainer::from),
            command: &message.command,
            pid: message.pid.0,
            thread: message.thread.0,
            fd: message.fd,
            call: call(message.call),
            protocol: self.protocol(),
            local,
            remote,
            path,
            peer: WirePeer::of(&self.peer, self.peer_name()),
            bytes: message.length,
            captured: self.captured(),
            redacted: self.redacted,
            text,
            base64: text.is_none().then(|| STANDARD.encode(&message.payload)),
        };
        Ok(serde_json::to_string(&wire)? + "\n")
    }
}

/// The other end: by its address, or of a unix socket by who held it.
fn peer(message: &Message, own: &Workload, known: &Host, holders: &mut Holders) -> Workload {
    match &message.socket {
        // Loopback leads back into the same network namespace.
        Socket::Inet {
            remote: Some(remote),
            ..
        } if remote.ip().is_loopback() => match own {
            Workload::Container(_) => own.clone(),
            _ => Workload::Host,
        },
        Socket::Inet {
            remote: Some(remote),
            ..
        } => known.at(remote.ip()),
        Socket::Unix {
            peer: Some(pid), ..
        } => holders.of(*pid, known),
        _ => Workload::Unknown,
    }
}

/// The name of a call: one whose bytes are shown, or one of which people ask why they are not.
const fn call(number: i32) -> Option<&'static str> {
    Some(match number {
        0 => "read",
        1 => "write",
        19 => "readv",
        20 => "writev",
        40 => "sendfile",
        44 => "sendto",
        45 => "recvfrom",
        46 => "sendmsg",
        47 => "recvmsg",
        275 => "splice",
        299 => "recvmmsg",
        307 => "sendmmsg",
        327 => "preadv2",
        328 => "pwritev2",
        426 => "io_uring_enter",
        _ => return None,
    })
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
    fd: i32,
    /// The system call; `null` for one that has no name here.
    call: Option<&'static str>,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    peer: WirePeer<'a>,
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

impl filter::Record for Talk {
    fn each(&self, field: Field, key: &str, tell: &mut dyn FnMut(Value<'_>)) {
        let message = &self.message;
        let (local, remote) = match &message.socket {
            Socket::Inet { local, remote, .. } => (Some(*local), *remote),
            Socket::Unix { .. } => (None, None),
        };
        let both = [local, remote].into_iter().flatten();
        let client = both.clone().max_by_key(SocketAddr::port);
        let server = both.clone().min_by_key(SocketAddr::port);
        let address = |end: SocketAddr| Value::Address(end.ip());
        let port = |end: SocketAddr| Value::Number(end.port().into());
        match field {
            Field::ProcName => tell(Value::Text(&message.command)),
            Field::ProcPid => tell(Value::Number(message.pid.0.into())),
            Field::FdIp | Field::FdNet => both.map(address).for_each(tell),
            Field::FdCip => client.map(address).into_iter().for_each(tell),
            Field::FdSip => server.map(address).into_iter().for_each(tell),
            Field::FdLip => local.map(address).into_iter().for_each(tell),
            Field::FdRip => remote.map(address).into_iter().for_each(tell),
            Field::FdPort => both.map(port).for_each(tell),
            Field::FdCport => client.map(port).into_iter().for_each(tell),
            Field::FdSport => server.map(port).into_iter().for_each(tell),
            Field::FdLport => local.map(port).into_iter().for_each(tell),
            Field::FdRport => remote.map(port).into_iter().for_each(tell),
            Field::FdProto => tell(Value::Text(self.protocol())),
            Field::FdName => tell(Value::Text(&self.name())),
            Field::FdType => tell(Value::Text(match local {
                Some(local) if local.is_ipv4() => "ipv4",
                Some(_) => "ipv6",
                None => "unix",
            })),
            Field::EvtType => tell(Value::Text(self.verb())),
            Field::EvtDir => tell(Value::Text(match message.direction {
                Direction::Sent => "out",
                Direction::Received => "in",
            })),
            Field::EvtBytes => tell(Value::Number(message.length.into())),
            Field::HostName => tell(Value::Text(&self.host)),
            _ => {
                if let Some(container) = &self.container {
                    let addresses = container.addresses();
                    ContainerFields::from(&**container).each(field, key, addresses, tell);
                }
            }
        }
    }
}
