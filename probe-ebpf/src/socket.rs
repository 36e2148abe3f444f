//! A socket, as the programs read it.

mod position;

use core::ffi::c_void;

use aya_ebpf::{
    bindings::BPF_SK_STORAGE_GET_F_CREATE,
    helpers::generated::{bpf_get_socket_cookie, bpf_sk_storage_get},
};
use probe_ebpf::{
    flow::{FlowKey, PROTOCOL_TCP, ROLE_CLIENT, ROLE_LISTENER},
    loss::Loss,
};

use crate::{
    kernel::{
        Address, NET_INUM, ONLY_NETNS, PID_NR, Process, SK_CGROUP, SK_COOKIE, SK_ERR, SK_FAMILY,
        SK_FLAGS, SK_LOCAL_PORT, SK_LOCAL_V4, SK_LOCAL_V6, SK_NET, SK_PEER_PID, SK_PROTOCOL,
        SK_REMOTE_PORT, SK_REMOTE_V4, SK_REMOTE_V6, SK_SOCKET, SK_STATE, SK_TYPE, SOCKET_FILE,
        TCP_SPORT, cgroup_id,
    },
    memory::{Entry, Memory, SOCKETS, table},
    tcp_life::ESTABLISHED,
};

pub(crate) use position::Position;

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const IPPROTO_TCP: u16 = 6;
const IPPROTO_UDP: u16 = 17;
const SOCK_DGRAM: u16 = 2;

// enum sock_flags of include/net/sock.h.
/// No program holds it any more.
const SOCK_DEAD: usize = 1 << 0;
/// The other end's FIN has come.
const SOCK_DONE: usize = 1 << 1;

/// A `struct sock *` that the verifier knows as such: a tracepoint's argument, or what an iterator
/// stands on.
#[derive(Clone, Copy)]
pub(crate) struct Socket(*const c_void);

impl Socket {
    /// # Safety
    ///
    /// `sk` is a live `struct sock *` that the verifier knows.
    #[inline(always)]
    pub(crate) const unsafe fn new(sk: *const c_void) -> Self {
        Self(sk)
    }

    #[inline(always)]
    fn storage(self, flags: u64) -> *mut Memory {
        let map = (&raw const SOCKETS).cast_mut().cast();
        // SAFETY: `SOCKETS` is a socket storage map and `self` a socket, by `new`.
        unsafe { bpf_sk_storage_get(map, self.0.cast_mut(), core::ptr::null_mut(), flags) }.cast()
    }

    /// Where it is.
    #[inline(always)]
    pub(crate) fn address(self) -> Address {
        Address::of(self.0)
    }

    /// What is remembered of a TCP socket, if anything is.
    #[inline(always)]
    pub(crate) fn memory(self) -> Option<Entry> {
        table::find(self.address()).or_else(|| self.lasting_memory())
    }

    /// The same, made of zeroes if there is nothing yet: in the table if there is room.
    #[inline(always)]
    pub(crate) fn memory_or_new(self) -> Result<Entry, Loss> {
        if let Some(entry) = self.memory() {
            return Ok(entry);
        }
        match table::take(self.address()) {
            Some(entry) => Ok(entry),
            None => self.lasting_memory_or_new(),
        }
    }

    /// The same for one that was made just now, which had none.
    #[inline(always)]
    pub(crate) fn memory_of_new(self) -> Result<Entry, Loss> {
        match table::take(self.address()) {
            Some(entry) => Ok(entry),
            None => self.memory_or_new(),
        }
    }

    /// The same for one that will be there for long: in storage.
    #[inline(always)]
    pub(crate) fn memory_or_lasting(self) -> Result<Entry, Loss> {
        match table::find(self.address()) {
            Some(entry) => Ok(entry),
            None => self.lasting_memory_or_new(),
        }
    }

    /// What is remembered in storage, of a socket of any family.
    #[inline(always)]
    pub(crate) fn lasting_memory(self) -> Option<Entry> {
        let memory = self.storage(0);
        if memory.is_null() {
            return None;
        }
        // SAFETY: the helper vouches for it.
        Some(unsafe { Entry::new(memory) })
    }

    /// The same, made of zeroes if there is nothing yet.
    #[inline(always)]
    pub(crate) fn lasting_memory_or_new(self) -> Result<Entry, Loss> {
        let memory = self.storage(BPF_SK_STORAGE_GET_F_CREATE.into());
        if memory.is_null() {
            return Err(Loss::SocketStorage);
        }
        // SAFETY: the helper vouches for it.
        Ok(unsafe { Entry::new(memory) })
    }

    #[inline(always)]
    pub(crate) fn is_tcp(self) -> bool {
        // SAFETY: a socket, by `new`.
        unsafe { SK_PROTOCOL.read(self.0) == IPPROTO_TCP }
    }

    /// UDP over either family.
    #[inline(always)]
    pub(crate) fn is_udp(self) -> bool {
        // SAFETY: a socket, by `new`.
        unsafe {
            SK_PROTOCOL.read(self.0) == IPPROTO_UDP
                && matches!(SK_FAMILY.read(self.0), AF_INET | AF_INET6)
        }
    }

    #[inline(always)]
    pub(crate) fn is_ipv6(self) -> bool {
        // SAFETY: a socket, by `new`.
        unsafe { SK_FAMILY.read(self.0) == AF_INET6 }
    }

    #[inline(always)]
    pub(crate) fn is_unix(self) -> bool {
        // SAFETY: a socket, by `new`.
        unsafe { SK_FAMILY.read(self.0) == AF_UNIX }
    }

    /// Datagrams, not a stream.
    #[inline(always)]
    pub(crate) fn is_datagram(self) -> bool {
        // SAFETY: a socket, by `new`.
        unsafe { SK_TYPE.read(self.0) == SOCK_DGRAM }
    }

    /// The `struct sock *` itself.
    #[inline(always)]
    pub(crate) const fn as_ptr(self) -> *const c_void {
        self.0
    }

    /// `TCP_*` of include/net/tcp_states.h.
    #[inline(always)]
    pub(crate) fn state(self) -> i32 {
        // SAFETY: a socket, by `new`.
        i32::from(unsafe { SK_STATE.read(self.0) })
    }

    /// Whether a UDP socket has one peer.
    #[inline(always)]
    pub(crate) fn is_connected(self) -> bool {
        self.state() == ESTABLISHED
    }

    /// The kernel's number for it, never used twice. Asking the kernel makes one.
    #[inline(always)]
    pub(crate) fn cookie(self) -> u64 {
        // SAFETY: a socket, by `new`.
        unsafe {
            match SK_COOKIE.read(self.0) {
                0 => bpf_get_socket_cookie(self.0.cast_mut()),
                cookie => cookie,
            }
        }
    }

    /// `sk_err`: the errno that the next call on the socket is to return.
    #[inline(always)]
    pub(crate) fn error(self) -> u32 {
        // SAFETY: a socket, by `new`.
        unsafe { SK_ERR.read(self.0) }
    }

    /// Whether no call can reach it any more: in state CLOSE it is destroyed at once.
    #[inline(always)]
    pub(crate) fn is_orphan(self) -> bool {
        // SAFETY: a socket, by `new`.
        unsafe { SK_FLAGS.read(self.0) & SOCK_DEAD != 0 }
    }

    /// The cgroup that the socket was made in; an accepted one has its listener's.
    #[inline(always)]
    pub(crate) fn cgroup(self) -> u64 {
        // SAFETY: a socket, by `new`; it keeps its cgroup alive.
        unsafe { cgroup_id(SK_CGROUP.follow(self.0)) }
    }

    /// The network namespace's inode number.
    #[inline(always)]
    pub(crate) fn netns(self) -> u32 {
        // SAFETY: a socket, by `new`; it keeps its network namespace alive.
        unsafe { NET_INUM.read(SK_NET.follow(self.0)) }
    }

    /// Whether it is in a network namespace that is looked at. By default all are, and the
    /// verifier drops the question.
    #[inline(always)]
    pub(crate) fn is_in_view(self) -> bool {
        let only = ONLY_NETNS.load();
        only == 0 || only == self.netns()
    }

    /// In host byte order.
    #[inline(always)]
    pub(crate) fn local_port(self) -> u16 {
        // SAFETY: a socket, by `new`.
        unsafe { SK_LOCAL_PORT.read(self.0) }
    }

    /// Local and remote address; IPv4 is mapped, so that both families are one key.
    #[inline(always)]
    pub(crate) fn addresses(self) -> Option<([u8; 16], [u8; 16])> {
        // SAFETY: a socket, by `new`; the v6 members are there in every `struct sock_common`.
        unsafe {
            match SK_FAMILY.read(self.0) {
                AF_INET => Some((
                    mapped(SK_LOCAL_V4.read(self.0)),
                    mapped(SK_REMOTE_V4.read(self.0)),
                )),
                AF_INET6 => Some((
                    bytes(SK_LOCAL_V6.read(self.0)),
                    bytes(SK_REMOTE_V6.read(self.0)),
                )),
                _ => None,
            }
        }
    }

    /// The port of a TCP socket in host byte order, which it keeps when it is closed: [`Self::local_port`]
    /// is given back then. 0 if it is none.
    #[inline(always)]
    pub(crate) fn tcp_port(self) -> u16 {
        // SAFETY: the helper vouches for the type.
        self.tcp()
            .map_or(0, |tcp| u16::from_be(unsafe { TCP_SPORT.read(tcp) }))
    }

    /// Whether a program holds it: the kernel has sockets of its own, as for NFS.
    #[inline(always)]
    pub(crate) fn is_of_a_program(self) -> bool {
        // SAFETY: a socket, by `new`; one that was closed reads as zeroes.
        unsafe { !SOCKET_FILE.follow(SK_SOCKET.follow(self.0)).is_null() }
    }

    /// Who held the other end of a unix socket when it was connected, 0 if nobody did.
    #[inline(always)]
    pub(crate) fn peer_pid(self) -> u32 {
        // SAFETY: a socket, by `new`; without a peer the address reads as zeroes.
        unsafe { PID_NR.read(SK_PEER_PID.follow(self.0)) }
    }

    /// Whom the socket is connected to: address and port, both zero when to nobody.
    #[inline(always)]
    pub(crate) fn remote(self) -> Option<([u8; 16], u16)> {
        let (_, remote) = self.addresses()?;
        // SAFETY: a socket, by `new`.
        let port = u16::from_be(unsafe { SK_REMOTE_PORT.read(self.0) });
        Some((remote, port))
    }

    /// The socket's flow as the end in `role`, of `process`, with the other end `peer`.
    #[inline(always)]
    pub(crate) fn flow_key(self, role: u8, process: &Process, peer: u64) -> Option<FlowKey> {
        let (local, mut remote) = self.addresses()?;
        if role == ROLE_LISTENER {
            remote = [0; 16];
        }
        let port = match role {
            // SAFETY: a socket, by `new`.
            ROLE_CLIENT => u16::from_be(unsafe { SK_REMOTE_PORT.read(self.0) }),
            _ => self.local_port(),
        };
        let mut key = self.key(role, process, PROTOCOL_TCP, (local, remote), port);
        key.peer = peer;
        Some(key)
    }

    /// The socket's flow with the other end at `remote` and `port`.
    #[inline(always)]
    pub(crate) fn flow_key_to(
        self,
        role: u8,
        process: &Process,
        protocol: u8,
        remote: [u8; 16],
        port: u16,
    ) -> Option<FlowKey> {
        let (local, _) = self.addresses()?;
        let port = match role {
            ROLE_CLIENT => port,
            _ => self.local_port(),
        };
        Some(self.key(role, process, protocol, (local, remote), port))
    }

    #[inline(always)]
    fn key(
        self,
        role: u8,
        process: &Process,
        protocol: u8,
        (local, remote): ([u8; 16], [u8; 16]),
        port: u16,
    ) -> FlowKey {
        FlowKey {
            cgroup: process.cgroup,
            peer: 0,
            local,
            remote,
            comm: process.comm,
            netns: self.netns(),
            port,
            protocol,
            role,
        }
    }
}

/// `::ffff:a.b.c.d`, from an address in network byte order.
#[inline(always)]
pub(crate) fn mapped(v4: u32) -> [u8; 16] {
    bytes([0, u64::from(v4) << 32 | u64::from(0xffff_0000_u32)])
}

#[inline(always)]
pub(crate) fn words(bytes: [u8; 16]) -> [u64; 2] {
    // SAFETY: both are 16 bytes of integers.
    unsafe { core::mem::transmute(bytes) }
}

#[inline(always)]
pub(crate) fn bytes(words: [u64; 2]) -> [u8; 16] {
    // SAFETY: both are 16 bytes of integers.
    unsafe { core::mem::transmute(words) }
}
