//! Every field there is, in one table: [`TABLE`].

use std::fmt;

/// A field's name.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Field {
    /// `container.id`
    ContainerId,
    /// `container.name`
    ContainerName,
    /// `container.image`
    ContainerImage,
    /// `container.label.KEY`
    ContainerLabel,
    /// `container.ip`
    ContainerIp,
    /// `proc.name`
    ProcName,
    /// `proc.pid`
    ProcPid,
    /// `proc.vpid`
    ProcVpid,
    /// `proc.ppid`
    ProcPpid,
    /// `proc.cmdline`
    ProcCmdline,
    /// `proc.exe`
    ProcExe,
    /// `proc.uid`
    ProcUid,
    /// `fd.ip`
    FdIp,
    /// `fd.cip`
    FdCip,
    /// `fd.sip`
    FdSip,
    /// `fd.lip`
    FdLip,
    /// `fd.rip`
    FdRip,
    /// `fd.port`
    FdPort,
    /// `fd.cport`
    FdCport,
    /// `fd.sport`
    FdSport,
    /// `fd.lport`
    FdLport,
    /// `fd.rport`
    FdRport,
    /// `fd.proto`
    FdProto,
    /// `fd.net`
    FdNet,
    /// `fd.name`
    FdName,
    /// `fd.type`
    FdType,
    /// `evt.type`
    EvtType,
    /// `evt.dir`
    EvtDir,
    /// `evt.bytes`
    EvtBytes,
    /// `evt.latency`
    EvtLatency,
    /// `evt.failed`
    EvtFailed,
    /// `evt.errno`
    EvtErrno,
    /// `ecs.cluster`
    EcsCluster,
    /// `ecs.service`
    EcsService,
    /// `ecs.task`
    EcsTask,
    /// `ecs.family`
    EcsFamily,
    /// `ecs.container`
    EcsContainer,
    /// `host.name`
    HostName,
}

/// What a field is compared with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Type {
    /// Any text.
    Text,
    /// Text of which the first four digits or more will do.
    Id,
    /// A number from 0.
    Number,
    /// Bytes: a number, with a unit or without.
    Bytes,
    /// A time, with a unit.
    Time,
    /// An IPv4 or IPv6 address.
    Address,
    /// Addresses, in CIDR notation.
    Net,
    /// `true` or `false`.
    Flag,
}

/// What a filter can be asked of.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// An edge: of `probe graph` and `probe run`, and of `probe top` what is made of edges.
    Edge,
    /// A process: of `probe ps` and `probe top processes`.
    Process,
    /// An event: of `probe events`.
    Event,
    /// A container: of `probe top containers` and `probe top services`.
    Container,
    /// A message: of `probe traffic`.
    Message,
    /// A file and who uses it: of `probe top files`.
    File,
}

/// How many values a record has of a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arity {
    /// None, ever.
    Never,
    /// At most one.
    One,
    /// One for each end of an edge, or for each address.
    Many,
}

/// One row of the table.
#[derive(Debug)]
pub struct Spec {
    /// The field.
    pub field: Field,
    /// Its name; of labels, what comes before the key.
    pub name: &'static str,
    /// What it is compared with.
    pub kind: Type,
    /// Which records have it: edges, processes, events, containers, messages; of files see
    /// [`Spec::arity`].
    has: [Arity; 5],
    /// What it is.
    pub description: &'static str,
}

const NO: Arity = Arity::Never;
const ONE: Arity = Arity::One;
const ANY: Arity = Arity::Many;

const fn row(
    field: Field,
    name: &'static str,
    kind: Type,
    has: [Arity; 5],
    description: &'static str,
) -> Spec {
    Spec {
        field,
        name,
        kind,
        has,
        description,
    }
}

/// All fields, in the order of [`Field`].
#[rustfmt::skip]
pub const TABLE: [Spec; 38] = [
    row(Field::ContainerId, "container.id", Type::Id, [ANY, ONE, ONE, ONE, ONE], "the container's id; its first digits will do, four or more"),
    row(Field::ContainerName, "container.name", Type::Text, [ANY, ONE, ONE, ONE, ONE], "the container's name"),
    row(Field::ContainerImage, "container.image", Type::Text, [ANY, ONE, ONE, ONE, ONE], "its image, as it was asked for"),
    row(Field::ContainerLabel, "container.label", Type::Text, [ANY, ONE, ONE, ONE, ONE], "the label of that key"),
    row(Field::ContainerIp, "container.ip", Type::Address, [ANY, ANY, ANY, ANY, ANY], "its address, on any network"),
    row(Field::ProcName, "proc.name", Type::Text, [ANY, ONE, ONE, NO, ONE], "the command, at most 15 bytes; of an edge, that of an end in no container"),
    row(Field::ProcPid, "proc.pid", Type::Number, [NO, ONE, ONE, NO, ONE], "the process's id on the host"),
    row(Field::ProcVpid, "proc.vpid", Type::Number, [NO, ONE, ONE, NO, ONE], "its id in the container"),
    row(Field::ProcPpid, "proc.ppid", Type::Number, [NO, ONE, ONE, NO, ONE], "its parent's id on the host"),
    row(Field::ProcCmdline, "proc.cmdline", Type::Text, [NO, ONE, ONE, NO, ONE], "the program and its arguments"),
    row(Field::ProcExe, "proc.exe", Type::Text, [NO, ONE, ONE, NO, ONE], "the program's file; of an exec, as it was asked for"),
    row(Field::ProcUid, "proc.uid", Type::Number, [NO, ONE, ONE, NO, ONE], "the effective user id"),
    row(Field::FdIp, "fd.ip", Type::Address, [ANY, NO, ANY, NO, ANY], "an address of either end; != means that neither is"),
    row(Field::FdCip, "fd.cip", Type::Address, [ANY, NO, ONE, NO, ONE], "an address of the client; of a message, the end with the higher port"),
    row(Field::FdSip, "fd.sip", Type::Address, [ANY, NO, ONE, NO, ONE], "an address of the server; of a message, the end with the lower port"),
    row(Field::FdLip, "fd.lip", Type::Address, [ANY, NO, ONE, NO, ONE], "an address of an end on this host"),
    row(Field::FdRip, "fd.rip", Type::Address, [ANY, NO, ONE, NO, ONE], "an address of who talks with an end on this host"),
    row(Field::FdPort, "fd.port", Type::Number, [ONE, NO, ANY, NO, ANY], "a port of either end; an edge does not keep clients' own"),
    row(Field::FdCport, "fd.cport", Type::Number, [NO, NO, ONE, NO, ONE], "the client's own port"),
    row(Field::FdSport, "fd.sport", Type::Number, [ONE, NO, ONE, NO, ONE], "the server's port, of an edge its own also behind NAT"),
    row(Field::FdLport, "fd.lport", Type::Number, [ONE, NO, ONE, NO, ONE], "the server's port, if the server is on this host; of a message or event, the socket's own"),
    row(Field::FdRport, "fd.rport", Type::Number, [ONE, NO, ONE, NO, ONE], "the server's port, if a client on this host asked for it; of a message or event, the other end's"),
    row(Field::FdProto, "fd.proto", Type::Text, [ONE, NO, ONE, NO, ONE], "tcp, udp or unix"),
    row(Field::FdNet, "fd.net", Type::Net, [ANY, NO, ANY, NO, ANY], "addresses of either end, as in 10.0.0.0/8"),
    row(Field::FdName, "fd.name", Type::Text, [ONE, NO, ONE, NO, ONE], "CLIENT->SERVER:PORT, by name, of a message or event by address; or a unix socket's or file's path"),
    row(Field::FdType, "fd.type", Type::Text, [ANY, NO, ONE, NO, ONE], "ipv4, ipv6 or unix, by the addresses of the ends; of a message also file, pipe or tty"),
    row(Field::EvtType, "evt.type", Type::Text, [NO, NO, ONE, NO, ONE], "exec, fork, exit, connect, accept, close, oom-kill, cgroup-made, cgroup-removed, container-start or container-stop; of a message, read or write"),
    row(Field::EvtDir, "evt.dir", Type::Text, [NO, NO, NO, NO, ONE], "in, of what is read, or out"),
    row(Field::EvtBytes, "evt.bytes", Type::Bytes, [ONE, NO, ONE, NO, ONE], "bytes; of an edge or a close, both ways"),
    row(Field::EvtLatency, "evt.latency", Type::Time, [NO, NO, ONE, NO, NO], "how long a connect took; of a close, how long the connection stood"),
    row(Field::EvtFailed, "evt.failed", Type::Flag, [ONE, NO, ONE, NO, NO], "whether a connect failed; of an exit, whether its status is not 0 or a signal ended it"),
    row(Field::EvtErrno, "evt.errno", Type::Text, [NO, NO, ANY, NO, NO], "why a connect failed: ECONNREFUSED, ETIMEDOUT, …, or 111, 110, …"),
    row(Field::EcsCluster, "ecs.cluster", Type::Text, [ANY, ONE, ONE, ONE, ONE], "the ECS cluster's name"),
    row(Field::EcsService, "ecs.service", Type::Text, [ANY, ONE, ONE, ONE, ONE], "the ECS service's name, once ECS has told it"),
    row(Field::EcsTask, "ecs.task", Type::Text, [ANY, ANY, ANY, ANY, ANY], "the ECS task: its ARN, or the id at its end"),
    row(Field::EcsFamily, "ecs.family", Type::Text, [ANY, ONE, ONE, ONE, ONE], "the family of the ECS task definition"),
    row(Field::EcsContainer, "ecs.container", Type::Text, [ANY, ONE, ONE, ONE, ONE], "the container's name in the task definition"),
    row(Field::HostName, "host.name", Type::Text, [ANY, ONE, ONE, ONE, ONE], "the host's name"),
];

impl Field {
    /// Its row.
    #[must_use]
    pub fn spec(self) -> &'static Spec {
        &TABLE[self as usize]
    }
}

impl Spec {
    /// How many values a record of `kind` has.
    #[must_use]
    pub const fn arity(&self, kind: Kind) -> Arity {
        match kind {
            Kind::File => self.of_files(),
            kind => self.has[kind as usize],
        }
    }

    /// A file has what messages about it have in common.
    const fn of_files(&self) -> Arity {
        match self.field {
            Field::ProcName | Field::FdName | Field::FdType | Field::EvtBytes => Arity::One,
            _ => self.has[Kind::Container as usize],
        }
    }

    /// The name as one writes it: `container.label.KEY` for labels.
    #[must_use]
    pub fn written(&self) -> String {
        match self.field {
            Field::ContainerLabel => format!("{}.KEY", self.name),
            _ => self.name.to_owned(),
        }
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Edge,
        Self::Process,
        Self::Event,
        Self::Container,
        Self::Message,
        Self::File,
    ];

    /// As the list of fields has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Process => "process",
            Self::Event => "event",
            Self::Container => "container",
            Self::Message => "message",
            Self::File => "file",
        }
    }

    /// With its article.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Edge => "an edge",
            Self::Process => "a process",
            Self::Event => "an event",
            Self::Container => "a container",
            Self::Message => "a message",
            Self::File => "a file",
        }
    }
}

impl Type {
    /// One word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Id => "id",
            Self::Number => "number",
            Self::Bytes => "bytes",
            Self::Time => "time",
            Self::Address => "address",
            Self::Net => "network",
            Self::Flag => "yes or no",
        }
    }

    /// What to write, with an example.
    #[must_use]
    pub const fn wanted(self) -> &'static str {
        match self {
            Self::Text => "text, such as web or \"two words\"",
            Self::Id => "an id, of which four digits or more will do",
            Self::Number => "a number, such as 80 or 10k",
            Self::Bytes => "bytes, such as 500, 10k or 2MiB",
            Self::Time => "a time with its unit, such as 5ms or 2s",
            Self::Address => "an address, such as 10.0.0.7; a network goes with fd.net",
            Self::Net => "a network, such as 10.0.0.0/8",
            Self::Flag => "true or false",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
