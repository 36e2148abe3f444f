//! The kernel's struct fields that the programs read.
//!
//! rustc cannot emit CO-RE relocations. Each field is a global in the BPF object instead, holding
//! the byte offset that user space finds in the running kernel's BTF before it loads. This list is
//! the only place that names them: both sides expand it.

/// Calls `$callback!` with the fields by group:
/// `Group { NAME: type = "struct" "member.path"; … }`.
///
/// `NAME` is the global's symbol; `type` the integer that is read there, whose size must be the
/// member's; the member path descends through embedded and anonymous structs and to the first element
/// of arrays, never through pointers.
#[macro_export]
macro_rules! with_kernel_fields {
    ($callback:ident) => {
        $callback! {
            Socket {
                SK_FAMILY: u16 = "sock" "__sk_common.skc_family";
                SK_LOCAL_PORT: u16 = "sock" "__sk_common.skc_num";
                SK_REMOTE_PORT: u16 = "sock" "__sk_common.skc_dport";
                SK_LOCAL_V4: u32 = "sock" "__sk_common.skc_rcv_saddr";
                SK_REMOTE_V4: u32 = "sock" "__sk_common.skc_daddr";
                SK_LOCAL_V6: [u64; 2] = "sock" "__sk_common.skc_v6_rcv_saddr";
                SK_REMOTE_V6: [u64; 2] = "sock" "__sk_common.skc_v6_daddr";
                SK_NET: usize = "sock" "__sk_common.skc_net";
                SK_PROTOCOL: u16 = "sock" "sk_protocol";
                SK_TYPE: u16 = "sock" "sk_type";
                SK_COOKIE: u64 = "sock" "__sk_common.skc_cookie.counter";
                SK_STATE: u8 = "sock" "__sk_common.skc_state";
                SK_FLAGS: usize = "sock" "__sk_common.skc_flags";
                SK_ERR: u32 = "sock" "sk_err";
                SK_DROPS: u32 = "sock" "sk_drops";
                SK_CGROUP: usize = "sock" "sk_cgrp_data.cgroup";
                NET_INUM: u32 = "net" "ns.inum";
                TCP_SND_UNA: u32 = "tcp_sock" "snd_una";
                TCP_RCV_NXT: u32 = "tcp_sock" "rcv_nxt";
                TCP_WRITE_SEQ: u32 = "tcp_sock" "write_seq";
                TCP_COPIED_SEQ: u32 = "tcp_sock" "copied_seq";
                TCP_BYTES_ACKED: u64 = "tcp_sock" "bytes_acked";
                TCP_BYTES_RECEIVED: u64 = "tcp_sock" "bytes_received";
                TCP_SRTT: u32 = "tcp_sock" "srtt_us";
                TCP_RTT_MIN: u32 = "tcp_sock" "rtt_min.s.v";
                TCP_SEGMENTS: u32 = "tcp_sock" "segs_out";
                TCP_RETRANSMITS: u32 = "tcp_sock" "total_retrans";
                TCP_SPORT: u16 = "tcp_sock" "inet_conn.icsk_inet.inet_sport";
                SOCKET_SK: usize = "socket" "sk";
            }
            Unix {
                UNIX_PEER: usize = "unix_sock" "peer";
                UNIX_ADDRESS: usize = "unix_sock" "addr";
                UNIX_ADDRESS_HOLDERS: u32 = "unix_address" "refcnt";
                UNIX_ADDRESS_LEN: u32 = "unix_address" "len";
                UNIX_ADDRESS_NAME: [u8; 0] = "unix_address" "name";
            }
            Cgroup {
                CGROUP_KN: usize = "cgroup" "kn";
                CGROUP_ROOT: usize = "cgroup" "root";
                CGROUP_ROOT_HIERARCHY: u32 = "cgroup_root" "hierarchy_id";
                KERNFS_ID: u64 = "kernfs_node" "id";
            }
            Task {
                TASK_CSS_SET: usize = "task_struct" "cgroups";
                CSS_SET_CGROUP: usize = "css_set" "dfl_cgrp";
                TASK_LEADER: usize = "task_struct" "group_leader";
                TASK_PARENT: usize = "task_struct" "real_parent";
                TASK_PID: u32 = "task_struct" "pid";
                TASK_TGID: u32 = "task_struct" "tgid";
                TASK_COMM: [u64; 2] = "task_struct" "comm";
                TASK_EXIT_CODE: u32 = "task_struct" "exit_code";
                TASK_BEGAN: u64 = "task_struct" "start_boottime";
                TASK_RAN: u64 = "task_struct" "se.sum_exec_runtime";
                TASK_SIGNAL: usize = "task_struct" "signal";
                TASK_MM: usize = "task_struct" "mm";
                TASK_THREAD_PID: usize = "task_struct" "thread_pid";
                SIGNAL_RAN: u64 = "signal_struct" "sum_sched_runtime";
                MM_ARG_START: u64 = "mm_struct" "arg_start";
                MM_ARG_END: u64 = "mm_struct" "arg_end";
                PID_LEVEL: u32 = "pid" "level";
                PID_NUMBERS: u32 = "pid" "numbers.nr";
                BPRM_FILENAME: usize = "linux_binprm" "filename";
            }
            Clock {
                TASK_QUEUED: u64 = "task_struct" "sched_info.last_queued";
                TASK_ARRIVED: u64 = "task_struct" "sched_info.last_arrival";
                TASK_RAN_BEFORE: u64 = "task_struct" "se.prev_sum_exec_runtime";
            }
            Call {
                SK_SOCKET: usize = "sock" "sk_socket";
                SOCKET_FILE: usize = "socket" "file";
                SK_PEER_PID: usize = "sock" "sk_peer_pid";
                PID_NR: u32 = "pid" "numbers.nr";
                TASK_STATUS: u32 = "task_struct" "thread_info.status";
                REGISTER_CALL: u64 = "pt_regs" "orig_ax";
                REGISTER_FD: u64 = "pt_regs" "di";
                REGISTER_BUFFER: u64 = "pt_regs" "si";
                REGISTER_COUNT: u64 = "pt_regs" "dx";
            }
            Packet {
                PACKET_DATA: u64 = "sk_buff" "data";
                PACKET_LEN: u32 = "sk_buff" "len";
                PACKET_PAGED_LEN: u32 = "sk_buff" "data_len";
            }
            File {
                TASK_FILES: usize = "task_struct" "files";
                TASK_FS: usize = "task_struct" "fs";
                FS_ROOT_MOUNT: usize = "fs_struct" "root.mnt";
                FS_ROOT_DENTRY: usize = "fs_struct" "root.dentry";
                FILES_TABLE: usize = "files_struct" "fdt";
                TABLE_FILES: usize = "fdtable" "fd";
                TABLE_SIZE: u32 = "fdtable" "max_fds";
                FILE_INODE: usize = "file" "f_inode";
                FILE_MOUNT: usize = "file" "f_path.mnt";
                FILE_DENTRY: usize = "file" "f_path.dentry";
                INODE_MODE: u16 = "inode" "i_mode";
                INODE_NUMBER: u64 = "inode" "i_ino";
                INODE_RDEV: u32 = "inode" "i_rdev";
                INODE_SB: usize = "inode" "i_sb";
                SB_MAGIC: u64 = "super_block" "s_magic";
                SB_DEVICE: u32 = "super_block" "s_dev";
                DENTRY_PARENT: usize = "dentry" "d_parent";
                DENTRY_NAME: usize = "dentry" "d_name.name";
                VFSMOUNT_ROOT: usize = "vfsmount" "mnt_root";
                MOUNT_ROOT: usize = "mount" "mnt.mnt_root";
                MOUNT_PARENT: usize = "mount" "mnt_parent";
                MOUNT_POINT: usize = "mount" "mnt_mountpoint";
            }
        }
    };
}

/// The fields that programs need together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Group {
    /// A socket's addresses, owner, sequence numbers and health.
    Socket,
    /// A unix socket's address and its other end.
    Unix,
    /// A cgroup's id and hierarchy.
    Cgroup,
    /// A process and its program.
    Task,
    /// When a task got its CPU, by the scheduler's clock.
    Clock,
    /// The system call that a task is in, on x86-64.
    Call,
    /// Where a packet's bytes are.
    Packet,
    /// A task's open files and their paths.
    File,
}

/// One field, as user space sees it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Whom it belongs with.
    pub group: Group,
    /// The global that takes the offset.
    pub symbol: &'static str,
    /// The kernel struct.
    pub structure: &'static str,
    /// The member, dotted where it is nested.
    pub member: &'static str,
    /// Bytes the programs read there.
    pub size: usize,
}

macro_rules! table {
    ($($group:ident { $($symbol:ident: $type:ty = $structure:literal $member:literal;)* })*) => {
        /// Every field the programs read.
        pub const FIELDS: &[Field] = &[$($(Field {
            group: Group::$group,
            symbol: stringify!($symbol),
            structure: $structure,
            member: $member,
            size: core::mem::size_of::<$type>(),
        }),*),*];
    };
}

with_kernel_fields!(table);

/// The offset a global holds until user space sets it: reads there fail to verify.
pub const OFFSET_UNSET: u32 = u32::MAX;
