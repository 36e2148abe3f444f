//! The programs, each with its hook and what it needs.

use probe_ebpf::field::Group;

/// Where a program runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hook {
    /// At a BTF tracepoint.
    Tracepoint,
    /// At the start of a kernel function.
    FunctionEntry,
    /// At the end of a kernel function.
    FunctionExit,
    /// In the calls of every process below the root cgroup.
    RootCgroup,
    /// At a BTF tracepoint, where the program that runs there leaves off.
    TailCall,
}

impl Hook {
    /// The word that stands for it in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tracepoint => "tracepoint",
            Self::FunctionEntry => "fentry",
            Self::FunctionExit => "fexit",
            Self::RootCgroup => "cgroup",
            Self::TailCall => "tail call",
        }
    }
}

/// A kernel program.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its symbol.
    pub name: &'static str,
    /// The tracepoint or function that it hooks.
    pub at: &'static str,
    /// Where it runs.
    pub hook: Hook,
    /// The first kernel that has the hook.
    pub since: &'static str,
    /// The fields it reads.
    pub fields: &'static [Group],
}

const fn tracepoint(name: &'static str, since: &'static str, fields: &'static [Group]) -> Program {
    tracepoint_at(name, name, since, fields)
}

const fn tracepoint_at(
    name: &'static str,
    at: &'static str,
    since: &'static str,
    fields: &'static [Group],
) -> Program {
    Program {
        name,
        at,
        hook: Hook::Tracepoint,
        since,
        fields,
    }
}

const fn function_entry(
    name: &'static str,
    since: &'static str,
    fields: &'static [Group],
) -> Program {
    Program {
        name,
        at: name,
        hook: Hook::FunctionEntry,
        since,
        fields,
    }
}

/// `fexit` works since 5.5; these functions have the arguments that are read since 5.19.
const fn function_exit(name: &'static str) -> Program {
    function_exit_at(name, name, CALLS)
}

const fn function_exit_at(
    name: &'static str,
    at: &'static str,
    fields: &'static [Group],
) -> Program {
    Program {
        name,
        at,
        hook: Hook::FunctionExit,
        since: "5.19",
        fields,
    }
}

const fn root_cgroup(name: &'static str, since: &'static str) -> Program {
    Program {
        name,
        at: name,
        hook: Hook::RootCgroup,
        since,
        fields: &[],
    }
}

const fn tail_call(
    name: &'static str,
    at: &'static str,
    since: &'static str,
    fields: &'static [Group],
) -> Program {
    Program {
        hook: Hook::TailCall,
        ..tracepoint_at(name, at, since, fields)
    }
}

const CALLS: &[Group] = &[Group::Socket, Group::Unix, Group::Cgroup, Group::Task];
const PAYLOADS: &[Group] = &[
    Group::Socket,
    Group::Unix,
    Group::Cgroup,
    Group::Task,
    Group::Call,
];

const FILE_CALLS: &[Group] = &[Group::Task, Group::Call, Group::File];

/// Something that the probe can know, and the ways to it.
#[derive(Clone, Copy, Debug)]
pub struct Capability {
    /// What it is called.
    pub name: &'static str,
    /// What is known with it.
    pub gives: &'static str,
    /// Whether the rest is worth having without it.
    pub needed: bool,
    /// The ways to it, best first: the first one whose programs all load is gone.
    pub ways: &'static [&'static [Program]],
}

impl Capability {
    /// The programs of every way.
    pub fn programs(&self) -> impl Iterator<Item = &'static Program> {
        self.ways.iter().copied().flatten()
    }

    /// Whether one of the ways has all its programs among those attached.
    #[must_use]
    pub fn is_served_by(&self, attached: &[&str]) -> bool {
        let whole = |way: &&[Program]| way.iter().all(|program| attached.contains(&program.name));
        self.ways.iter().any(whole)
    }
}

/// Containers as they come and go.
pub const CONTAINERS: Capability = Capability {
    name: "containers",
    gives: "containers as they start and end",
    needed: true,
    ways: &[&[
        tracepoint("cgroup_mkdir", "4.19", &[Group::Cgroup]),
        tracepoint("cgroup_rmdir", "4.19", &[Group::Cgroup]),
    ]],
};

/// TCP connections, their bytes and their health.
pub const CONNECTIONS: Capability = Capability {
    name: "connections",
    gives: "TCP connections with their bytes, round trips and retransmissions",
    needed: true,
    ways: &[&[
        // The end comes first: of no socket that the other has met is it missed.
        tracepoint("tcp_destroy_sock", "4.16", &[Group::Socket]),
        tracepoint(
            "inet_sock_set_state",
            "4.16",
            &[Group::Socket, Group::Cgroup, Group::Task],
        ),
    ]],
};

/// TCP resets.
pub const RESETS: Capability = Capability {
    name: "resets",
    gives: "connections that were reset",
    needed: false,
    ways: &[&[
        tracepoint("tcp_send_reset", "4.15", &[]),
        tracepoint("tcp_receive_reset", "4.15", &[]),
    ]],
};

/// The far end of datagrams.
pub const DATAGRAM_PEERS: Capability = Capability {
    name: "datagram-peers",
    gives: "whom unconnected UDP sockets talk to",
    needed: false,
    ways: &[&[
        root_cgroup("udp_sendmsg4", "4.18"),
        root_cgroup("udp_sendmsg6", "4.18"),
        root_cgroup("udp_recvmsg4", "5.2"),
        root_cgroup("udp_recvmsg6", "5.2"),
    ]],
};

/// The names of addresses.
pub const NAMES: Capability = Capability {
    name: "names",
    gives: "addresses elsewhere by the names that were looked up",
    needed: false,
    ways: &[
        &[function_entry("skb_consume_udp", "5.5", &[Group::Packet])],
        &[tail_call(
            "dns_received",
            "sock_recv_length",
            "6.3",
            &[Group::Call],
        )],
        &[root_cgroup("dns_answers", "5.0")],
    ],
};

/// Send and receive calls. [`DATAGRAM_PEERS`] come before it, so that no datagram's is missed, and
/// are of no use without it.
pub const CALLS_OF_EVERY_FAMILY: Capability = Capability {
    name: "calls",
    gives: "UDP and unix sockets, and the number of TCP's send and receive calls",
    needed: false,
    ways: &[
        &[
            tracepoint("sock_send_length", "6.3", CALLS),
            tracepoint("sock_recv_length", "6.3", CALLS),
        ],
        &[
            function_exit("tcp_sendmsg"),
            function_exit("tcp_recvmsg"),
            function_exit("udp_sendmsg"),
            function_exit("udp_recvmsg"),
            function_exit("udpv6_sendmsg"),
            function_exit("udpv6_recvmsg"),
            function_exit("unix_stream_sendmsg"),
            function_exit("unix_stream_recvmsg"),
            function_exit("unix_dgram_sendmsg"),
            function_exit("unix_dgram_recvmsg"),
            function_exit("unix_seqpacket_sendmsg"),
            function_exit("unix_seqpacket_recvmsg"),
        ],
    ],
};

/// Processes, one record each.
pub const PROCESSES: Capability = Capability {
    name: "processes",
    gives: "programs that are run, processes that begin and end",
    needed: true,
    ways: &[&[
        tracepoint("sched_process_exec", "3.4", &[Group::Task]),
        tracepoint("sched_process_fork", "2.6", &[Group::Task]),
        tracepoint("sched_process_exit", "2.6", &[Group::Task, Group::Clock]),
        tracepoint("sched_wakeup_new", "2.6", &[Group::Clock]),
    ]],
};

/// Processes as they end: what those have used that are too brief to be listed. Attached only while
/// that is asked for, and not beside [`PROCESSES`].
pub const EXITS: Capability = Capability {
    name: "exits",
    gives: "what processes have used that are too brief to be listed",
    needed: false,
    ways: &[&[
        tracepoint("sched_process_exit", "2.6", &[Group::Task, Group::Clock]),
        tracepoint("sched_wakeup_new", "2.6", &[Group::Clock]),
    ]],
};

/// Processes that are killed because memory has run out.
pub const OOM_KILLS: Capability = Capability {
    name: "oom-kills",
    gives: "processes that are killed as there is no memory left",
    needed: false,
    ways: &[
        &[tracepoint_at(
            "oom_kill",
            "mark_victim",
            "6.8",
            &[Group::Cgroup, Group::Task],
        )],
        &[tracepoint_at(
            "oom_kill_by_pid",
            "mark_victim",
            "4.16",
            &[Group::Cgroup, Group::Task],
        )],
    ],
};

/// Connections one by one. It is attached only where that is asked for, and before [`CONNECTIONS`], so
/// that it sees what those remember as it was before each change.
pub const EACH_CONNECTION: Capability = Capability {
    name: "each-connection",
    gives: "each connect, accept and close",
    needed: false,
    ways: &[&[
        tracepoint_at(
            "connection_state",
            "inet_sock_set_state",
            "4.16",
            &[Group::Socket, Group::Cgroup],
        ),
        tracepoint_at(
            "connection_gone",
            "tcp_destroy_sock",
            "4.16",
            &[Group::Socket],
        ),
    ]],
};

/// What calls move, payload included. It is attached only where that is asked for, and
/// [`DATAGRAM_PEERS`] before it.
pub const MESSAGES: Capability = Capability {
    name: "messages",
    gives: "what programs say to each other over TCP, UDP and unix sockets",
    needed: true,
    ways: &[
        &[
            tracepoint_at("traffic_send", "sock_send_length", "6.3", PAYLOADS),
            tracepoint_at("traffic_receive", "sock_recv_length", "6.3", PAYLOADS),
        ],
        &[
            function_exit_at("traffic_tcp_sendmsg", "tcp_sendmsg", PAYLOADS),
            function_exit_at("traffic_tcp_recvmsg", "tcp_recvmsg", PAYLOADS),
            function_exit_at("traffic_udp_sendmsg", "udp_sendmsg", PAYLOADS),
            function_exit_at("traffic_udp_recvmsg", "udp_recvmsg", PAYLOADS),
            function_exit_at("traffic_udpv6_sendmsg", "udpv6_sendmsg", PAYLOADS),
            function_exit_at("traffic_udpv6_recvmsg", "udpv6_recvmsg", PAYLOADS),
            function_exit_at(
                "traffic_unix_stream_sendmsg",
                "unix_stream_sendmsg",
                PAYLOADS,
            ),
            function_exit_at(
                "traffic_unix_stream_recvmsg",
                "unix_stream_recvmsg",
                PAYLOADS,
            ),
            function_exit_at("traffic_unix_dgram_sendmsg", "unix_dgram_sendmsg", PAYLOADS),
            function_exit_at("traffic_unix_dgram_recvmsg", "unix_dgram_recvmsg", PAYLOADS),
            function_exit_at(
                "traffic_unix_seqpacket_sendmsg",
                "unix_seqpacket_sendmsg",
                PAYLOADS,
            ),
            function_exit_at(
                "traffic_unix_seqpacket_recvmsg",
                "unix_seqpacket_recvmsg",
                PAYLOADS,
            ),
        ],
    ],
};

/// What is read from and written to files. Attached only where that is asked for; it puts a few
/// instructions behind every system call.
pub const FILES: Capability = Capability {
    name: "files",
    gives: "what programs read from and write to files, pipes and terminals",
    needed: true,
    ways: &[&[tracepoint_at(
        "traffic_files",
        "sys_exit",
        "5.5",
        FILE_CALLS,
    )]],
};

/// How much that is, file by file. Attached only while it is asked for, as above.
pub const FILE_USE: Capability = Capability {
    name: "file-use",
    gives: "how much is read from and written to each file",
    needed: true,
    ways: &[&[tracepoint_at("top_files", "sys_exit", "5.5", FILE_CALLS)]],
};

/// What traffic takes, in the order in which it is attached.
pub const TRAFFIC: &[Capability] = &[
    NAMES,
    CONNECTIONS,
    RESETS,
    DATAGRAM_PEERS,
    CALLS_OF_EVERY_FAMILY,
];
