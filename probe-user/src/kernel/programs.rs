//! The programs, each with its hook and what it needs.

use probe_ebpf::field::Group;

/// A kernel program, named like the tracepoint it serves.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its symbol, and the BTF tracepoint.
    pub name: &'static str,
    /// The first kernel that has the tracepoint.
    pub since: &'static str,
    /// The fields it reads.
    pub fields: &'static [Group],
    /// What is not known without it.
    pub gives: &'static str,
    /// Whether the rest is worth having without it.
    pub optional: bool,
}

/// Traffic: who talks to whom, and how much.
pub const TRAFFIC: &[Program] = &[
    Program {
        name: "inet_sock_set_state",
        since: "4.16",
        fields: &[Group::Socket, Group::Cgroup, Group::Task],
        gives: "TCP connections",
        optional: false,
    },
    Program {
        name: "tcp_destroy_sock",
        since: "4.16",
        fields: &[Group::Socket],
        gives: "the last bytes of connections",
        optional: false,
    },
    Program {
        name: "sock_send_length",
        since: "6.3",
        fields: &[],
        gives: "the number of send calls",
        optional: true,
    },
    Program {
        name: "sock_recv_length",
        since: "6.3",
        fields: &[],
        gives: "the number of receive calls",
        optional: true,
    },
];

/// Containers as they come and go.
pub const CGROUPS: &[Program] = &[
    Program {
        name: "cgroup_mkdir",
        since: "4.19",
        fields: &[Group::Cgroup],
        gives: "containers as they start",
        optional: false,
    },
    Program {
        name: "cgroup_rmdir",
        since: "4.19",
        fields: &[Group::Cgroup],
        gives: "containers as they end",
        optional: false,
    },
];

/// Processes, one record each.
pub const PROCESSES: &[Program] = &[
    Program {
        name: "sched_process_exec",
        since: "3.4",
        fields: &[Group::Task],
        gives: "programs that are run",
        optional: false,
    },
    Program {
        name: "sched_process_fork",
        since: "2.6",
        fields: &[Group::Task],
        gives: "processes that are made",
        optional: false,
    },
    Program {
        name: "sched_process_exit",
        since: "2.6",
        fields: &[Group::Task],
        gives: "processes that end",
        optional: false,
    },
];
