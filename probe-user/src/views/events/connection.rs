//! What became of a connection, as events tell it.

use std::{borrow::Cow, fmt::Write as _, net::SocketAddr, time::Duration};

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use crate::{
    filter::{Field, Value},
    identity::workload::{Host, Workload, Workloads as _},
    kernel::connections::{Change, Connection},
};

/// One end of a TCP connection.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct EventConnection {
    /// `client`, who connects, or `server`.
    role: Cow<'static, str>,
    /// `tcp`.
    protocol: Cow<'static, str>,
    local: SocketAddr,
    remote: SocketAddr,
    /// Who the other end is.
    peer: Peer,
    /// The network namespace's inode.
    netns: u32,
    /// Of a connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<bool>,
    /// Why it failed, by name; nothing when the socket does not tell, as when it was closed before.
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<String>,
    /// The same by number, for filters.
    #[serde(skip)]
    number: Option<u32>,
    /// From the first SYN to the end of a connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_seconds: Option<f64>,
    /// From then to the close; nothing of a connection older than the probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_seconds: Option<f64>,
    /// Payload that the program sent over it, from its beginning to the close.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_sent: Option<u64>,
    /// The same of what it received.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_received: Option<u64>,
    /// The time above, for filters.
    #[serde(skip)]
    took: Option<Duration>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Peer {
    /// `container`, `host`, `external` or `unknown`.
    kind: Cow<'static, str>,
    name: String,
    /// A container's.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl Peer {
    /// `own` is who has the end that is told of: loopback leads back into the same network namespace.
    fn of(remote: SocketAddr, own: &Workload, known: &Host) -> Self {
        let peer = match own {
            Workload::Container(_) if remote.ip().is_loopback() => own.clone(),
            _ => known.at(remote.ip()),
        };
        let (kind, name, id) = match &peer {
            Workload::Container(container) => {
                let name = container.display_name().to_owned();
                ("container", name, Some(container.id.to_string()))
            }
            Workload::Process(command) => ("process", command.to_string(), None),
            Workload::Host => ("host", "host".to_owned(), None),
            Workload::External(address) => ("external", address.to_string(), None),
            Workload::Unknown => ("unknown", "?".to_owned(), None),
        };
        Self {
            kind: kind.into(),
            name,
            id,
        }
    }
}

/// The word for it in `evt.type`.
pub(super) const fn kind(change: &Change) -> &'static str {
    match change {
        Change::Connected { .. } | Change::Failed { .. } => "connect",
        Change::Accepted => "accept",
        Change::Closed { .. } => "close",
    }
}

/// `ECONNREFUSED`; a number that has no name stays one.
fn name_of(errno: u32) -> String {
    match Errno::from_raw(errno.cast_signed()) {
        Errno::UnknownErrno => errno.to_string(),
        errno => format!("{errno:?}"),
    }
}

impl EventConnection {
    pub(super) fn new(connection: &Connection, own: &Workload, known: &Host) -> Self {
        let role = if connection.client {
            "client"
        } else {
            "server"
        };
        let mut this = Self {
            role: role.into(),
            protocol: "tcp".into(),
            local: connection.local,
            remote: connection.remote,
            peer: Peer::of(connection.remote, own, known),
            netns: connection.netns.0,
            failed: None,
            errno: None,
            number: None,
            connect_seconds: None,
            open_seconds: None,
            bytes_sent: None,
            bytes_received: None,
            took: None,
        };
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        match connection.change {
            Change::Connected { took } => {
                this.failed = Some(false);
                this.connect_seconds = seconds(took);
                this.took = took;
            }
            Change::Failed { errno, took } => {
                this.failed = Some(true);
                this.errno = errno.map(name_of);
                this.number = errno;
                this.connect_seconds = seconds(took);
                this.took = took;
            }
            Change::Accepted => {}
            Change::Closed {
                stood,
                sent,
                received,
            } => {
                this.open_seconds = seconds(stood);
                this.bytes_sent = Some(sent);
                this.bytes_received = Some(received);
                this.took = stood;
            }
        }
        this
    }

    fn client(&self) -> SocketAddr {
        if self.is_client() {
            self.local
        } else {
            self.remote
        }
    }

    fn server(&self) -> SocketAddr {
        if self.is_client() {
            self.remote
        } else {
            self.local
        }
    }

    fn is_client(&self) -> bool {
        self.role == "client"
    }

    /// `CLIENT->SERVER`, as the kernel sees them.
    fn name(&self) -> String {
        format!("{}->{}", self.client(), self.server())
    }

    /// All that a line has beside time, container and process.
    pub(super) fn text(&self) -> String {
        let mut text = self.name();
        // Of what is elsewhere the name is the address again.
        if self.peer.kind != "external" {
            text.push_str(if self.is_client() { " to " } else { " from " });
            text.push_str(&self.peer.name);
        }
        if self.failed == Some(true) {
            text.push_str(" failed");
            if let Some(errno) = &self.errno {
                text.push_str(": ");
                text.push_str(errno);
            }
        }
        let millis = |seconds: f64| format!("{:.3} ms", seconds * 1000.0);
        if let Some(seconds) = self.connect_seconds {
            let after = if self.failed == Some(true) {
                "after"
            } else {
                "in"
            };
            let _ = write!(text, " {after} {}", millis(seconds));
        }
        if let (Some(sent), Some(received)) = (self.bytes_sent, self.bytes_received) {
            if let Some(seconds) = self.open_seconds {
                let _ = write!(text, " after {seconds:.3} s");
            }
            let _ = write!(text, ", sent {sent} B, received {received} B");
        }
        text
    }

    /// Tells its value of a field that only connections have.
    pub(super) fn each(&self, field: Field, tell: &mut dyn FnMut(Value<'_>)) {
        let both = [self.local, self.remote];
        let address = |end: SocketAddr| Value::Address(end.ip());
        let port = |end: SocketAddr| Value::Number(end.port().into());
        match field {
            Field::FdIp | Field::FdNet => both.into_iter().map(address).for_each(tell),
            Field::FdCip => tell(address(self.client())),
            Field::FdSip => tell(address(self.server())),
            Field::FdLip => tell(address(self.local)),
            Field::FdRip => tell(address(self.remote)),
            Field::FdPort => both.into_iter().map(port).for_each(tell),
            Field::FdCport => tell(port(self.client())),
            Field::FdSport => tell(port(self.server())),
            Field::FdLport => tell(port(self.local)),
            Field::FdRport => tell(port(self.remote)),
            Field::FdProto => tell(Value::Text(&self.protocol)),
            Field::FdName => tell(Value::Text(&self.name())),
            Field::FdType if self.local.is_ipv4() => tell(Value::Text("ipv4")),
            Field::FdType => tell(Value::Text("ipv6")),
            Field::EvtFailed => self.failed.map(Value::Flag).into_iter().for_each(tell),
            Field::EvtErrno => {
                if let (Some(name), Some(number)) = (&self.errno, self.number) {
                    tell(Value::Text(name));
                    tell(Value::Text(&number.to_string()));
                }
            }
            Field::EvtLatency => {
                let nanos = self.took.map(|took| took.as_nanos());
                let nanos = nanos.map(|nanos| u64::try_from(nanos).unwrap_or(u64::MAX));
                nanos.map(Value::Number).into_iter().for_each(tell);
            }
            Field::EvtBytes => {
                if let (Some(sent), Some(received)) = (self.bytes_sent, self.bytes_received) {
                    tell(Value::Number(sent.saturating_add(received)));
                }
            }
            _ => {}
        }
    }
}
