//! Messages, as text with their payload or as JSON.

mod between;
mod fields;
mod payload;
mod redact;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    borrow::Cow,
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use jiff::Timestamp;

use super::units::printable;
use crate::{
    identity::{
        ByPid, Container,
        process::{self, Process},
        workload::{Holders, Host, Workload, Workloads as _},
    },
    kernel::messages::{Channel, Direction, Message},
};
pub use between::filter as filter_of;
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
    /// The process; `None` if nobody asked for it, or it has ended.
    process: Option<Arc<Process>>,
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
            process: None,
            peer,
            host: Arc::clone(host),
            redacted: 0,
        }
    }

    /// With what a filter may ask of the process, while it is there.
    #[must_use]
    pub fn with_process(mut self, processes: &mut ByPid<Option<Arc<Process>>>) -> Self {
        let look_up = |pid| process::of_thread(pid).map(Arc::new);
        self.process = processes.of(self.message.pid, look_up);
        self
    }

    /// Whether more is known of the process than the message itself tells.
    #[must_use]
    pub const fn has_process(&self) -> bool {
        self.process.is_some()
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
        match self.message.channel {
            Channel::Inet { tcp: true, .. } => "tcp",
            Channel::Inet { tcp: false, .. } => "udp",
            Channel::Unix { .. } => "unix",
            Channel::File { kind, .. } => kind.as_str(),
        }
    }

    const fn is_about_a_file(&self) -> bool {
        matches!(self.message.channel, Channel::File { .. })
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
        match &self.message.channel {
            Channel::Inet { local, remote, .. } => match remote {
                Some(remote) => format!("{local}->{remote}"),
                None => format!("{local}->?"),
            },
            Channel::Unix { path, .. } => path.clone().unwrap_or_else(|| "socketpair".to_owned()),
            Channel::File { path, .. } => path.clone(),
        }
    }

    /// A line on who said how much to whom, and the payload below.
    #[must_use]
    pub fn text(&self, how: Payload) -> String {
        let message = &self.message;
        let preposition = match message.direction {
            Direction::Sent => "to",
            Direction::Received => "from",
        };
        let name = self.name();
        let (other, name) = match &message.channel {
            Channel::File { .. } => (name.as_str().into(), String::new()),
            Channel::Inet {
                remote: Some(remote),
                ..
            } => (
                format!("{}:{}", self.peer_name(), remote.port()).into(),
                format!(" {name}"),
            ),
            _ => (self.peer_name(), format!(" {name}")),
        };
        let mut text = format!(
            "------ {:.6} {} {} {} B {preposition} {} ({}[{}] {}{})",
            self.time,
            printable(self.container_name()),
            self.verb(),
            message.length,
            printable(&other),
            printable(&message.command),
            message.pid,
            self.protocol(),
            printable(&name),
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
}

/// Where the engine answers questions for names, inside of a container's network namespace.
const RESOLVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));
/// What it is called there and in the graph.
const ENGINE: &str = "dockerd";

/// The other end: by its address, or of a unix socket by who held it.
fn peer(message: &Message, own: &Workload, known: &Host, holders: &mut Holders) -> Workload {
    match &message.channel {
        Channel::Inet {
            remote: Some(remote),
            ..
        } if remote.ip() == RESOLVER && matches!(own, Workload::Container(_)) => {
            Workload::Process(ENGINE.into())
        }
        // Loopback leads back into the same network namespace.
        Channel::Inet {
            remote: Some(remote),
            ..
        } if remote.ip().is_loopback() => match own {
            Workload::Container(_) => own.clone(),
            _ => Workload::Host,
        },
        Channel::Inet {
            remote: Some(remote),
            ..
        } => known.at(remote.ip()),
        Channel::Unix {
            peer: Some(pid), ..
        } => holders.of(*pid, |pid| known.at_pid(pid)),
        _ => Workload::Unknown,
    }
}

const SENDFILE: i32 = 40;
const SPLICE: i32 = 275;
const TEE: i32 = 276;
const COPY_FILE_RANGE: i32 = 326;
const IO_URING_ENTER: i32 = 426;

/// The name of a call: one whose bytes are shown, or one of which people ask why they are not.
const fn call(number: i32) -> Option<&'static str> {
    Some(match number {
        0 => "read",
        1 => "write",
        17 => "pread64",
        18 => "pwrite64",
        19 => "readv",
        20 => "writev",
        SENDFILE => "sendfile",
        44 => "sendto",
        45 => "recvfrom",
        46 => "sendmsg",
        47 => "recvmsg",
        SPLICE => "splice",
        TEE => "tee",
        295 => "preadv",
        296 => "pwritev",
        299 => "recvmmsg",
        307 => "sendmmsg",
        COPY_FILE_RANGE => "copy_file_range",
        327 => "preadv2",
        328 => "pwritev2",
        IO_URING_ENTER => "io_uring_enter",
        _ => return None,
    })
}

/// Whether it is a call on a descriptor and memory of the program's.
const fn has_bytes(number: i32) -> bool {
    let between = matches!(number, SENDFILE | SPLICE | TEE | COPY_FILE_RANGE);
    call(number).is_some() && !between && number != IO_URING_ENTER
}
