//! What the programs remember with each TCP socket, and what they read from it.

use core::ffi::c_void;

use aya_ebpf::{
    bindings::{
        BPF_F_CLONE, BPF_F_NO_PREALLOC, BPF_SK_STORAGE_GET_F_CREATE,
        bpf_map_type::BPF_MAP_TYPE_SK_STORAGE,
    },
    helpers::generated::{bpf_sk_storage_get, bpf_skc_to_tcp_sock},
    macros::btf_map,
};
use probe_ebpf::{
    flow::{COMM_LEN, FlowCounters, FlowKey, Half},
    loss::Loss,
};

use crate::atomic::{add, take};
use crate::kernel::{
    NET_INUM, Process, SK_CGROUP, SK_FAMILY, SK_LOCAL_PORT, SK_LOCAL_V4, SK_LOCAL_V6, SK_NET,
    SK_PROTOCOL, SK_REMOTE_PORT, SK_REMOTE_V4, SK_REMOTE_V6, TCP_RCV_NXT, TCP_SND_UNA, cgroup_id,
};

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const IPPROTO_TCP: u16 = 6;

/// A socket's memory. A listener's holds its owner only; an accepted socket is born with a copy of
/// its listener's (`BPF_F_CLONE`), and so knows its owner although it is made in an interrupt.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct SocketState {
    /// The flow that the socket's traffic counts for, 0 for none.
    pub(crate) flow: u64,
    /// What the flow has not been told yet.
    pub(crate) pending: Pending,
    /// The command that called `connect` or `listen`.
    pub(crate) comm: [u8; COMM_LEN],
    /// Its thread group id, 0 when not known.
    pub(crate) pid: u32,
    /// [`STAGE_IDLE`], [`STAGE_CONNECTING`] or [`STAGE_OPEN`].
    pub(crate) stage: u32,
    /// `errno` of the latest connect that failed.
    pub(crate) error: u32,
    pub(crate) pad: u32,
}

/// A socket's own counters. Adding here costs a send or receive half of what finding the flow's
/// counters would; the flow gets them once a tick, and when the socket goes.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Pending {
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    pub(crate) failed: u64,
    pub(crate) sends: u64,
    pub(crate) receives: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
}

impl Pending {
    /// Hands everything over to a flow. Losing nothing: what is added meanwhile stays for next
    /// time.
    ///
    /// # Safety
    ///
    /// Both are live.
    #[inline(always)]
    pub(crate) unsafe fn move_to(this: *mut Self, flow: *mut FlowCounters) {
        macro_rules! hand_over {
            ($($counter:ident)*) => {$(
                // SAFETY: by the caller's promise. Most are zero: a look is cheaper than a swap.
                unsafe {
                    if (*this).$counter != 0 {
                        add(&raw mut (*flow).$counter, take(&raw mut (*this).$counter));
                    }
                }
            )*};
        }
        hand_over!(opened closed failed sends receives bytes_sent bytes_received);
    }
}

/// Not connected, or not any more.
pub(crate) const STAGE_IDLE: u32 = 0;
/// `connect` was called.
pub(crate) const STAGE_CONNECTING: u32 = 1;
/// The connection was counted as opened.
pub(crate) const STAGE_OPEN: u32 = 2;

const STORAGE_FLAGS: usize = (BPF_F_NO_PREALLOC | BPF_F_CLONE) as usize;

/// A `BPF_MAP_TYPE_SK_STORAGE` definition; aya's own takes no `BPF_F_CLONE` and serves only
/// `cgroup_sock_addr` programs.
#[repr(C)]
struct SocketStorage {
    r#type: *const [i32; BPF_MAP_TYPE_SK_STORAGE as usize],
    key: *const i32,
    value: *const SocketState,
    max_entries: *const [i32; 0],
    map_flags: *const [i32; STORAGE_FLAGS],
}

// SAFETY: the pointers only carry types to the loader and are never followed.
unsafe impl Sync for SocketStorage {}

/// One entry a socket, freed with it; its memory is charged to the socket, its number bounded by
/// the sockets there are.
#[btf_map]
static SOCKETS: SocketStorage = SocketStorage {
    r#type: core::ptr::null(),
    key: core::ptr::null(),
    value: core::ptr::null(),
    max_entries: core::ptr::null(),
    map_flags: core::ptr::null(),
};

/// A `struct sock *` from a tracepoint's argument: the verifier trusts it as such.
#[derive(Clone, Copy)]
pub(crate) struct Socket(*const c_void);

impl Socket {
    /// # Safety
    ///
    /// `sk` is a `struct sock *` argument of the running program.
    #[inline(always)]
    pub(crate) const unsafe fn new(sk: *const c_void) -> Self {
        Self(sk)
    }

    #[inline(always)]
    fn storage(self, flags: u64) -> *mut SocketState {
        let map = (&raw const SOCKETS).cast_mut().cast();
        // SAFETY: `SOCKETS` is a socket storage map and `self` a socket, by `new`.
        unsafe { bpf_sk_storage_get(map, self.0.cast_mut(), core::ptr::null_mut(), flags) }.cast()
    }

    /// What is remembered of the socket, if anything is.
    #[inline(always)]
    pub(crate) fn state(self) -> Option<*mut SocketState> {
        let state = self.storage(0);
        if state.is_null() { None } else { Some(state) }
    }

    /// The same, made of zeroes if there is nothing yet.
    #[inline(always)]
    pub(crate) fn state_or_new(self) -> Result<*mut SocketState, Loss> {
        let state = self.storage(BPF_SK_STORAGE_GET_F_CREATE.into());
        if state.is_null() {
            Err(Loss::SocketStorage)
        } else {
            Ok(state)
        }
    }

    #[inline(always)]
    pub(crate) fn is_tcp(self) -> bool {
        // SAFETY: a socket, by `new`.
        unsafe { SK_PROTOCOL.read(self.0) == IPPROTO_TCP }
    }

    /// `sk_err`: the errno that the next call on the socket is to return.
    #[inline(always)]
    pub(crate) fn error(self) -> u32 {
        // SAFETY: a socket, by `new`.
        unsafe { crate::kernel::SK_ERR.read(self.0) }
    }

    /// The cgroup that the socket was made in; an accepted one has its listener's.
    #[inline(always)]
    pub(crate) fn cgroup(self) -> u64 {
        // SAFETY: a socket, by `new`; it keeps its cgroup alive.
        unsafe { cgroup_id(SK_CGROUP.follow(self.0)) }
    }

    /// The sequence numbers that tell the other end of a connection just established.
    #[inline(always)]
    pub(crate) fn half(self) -> Option<Half> {
        // SAFETY: a socket, by `new`.
        let tcp: *const c_void = unsafe { bpf_skc_to_tcp_sock(self.0.cast_mut()) }.cast();
        if tcp.is_null() {
            return None;
        }
        // SAFETY: the helper vouches for the type.
        unsafe {
            Some(Half {
                snd_una: TCP_SND_UNA.read(tcp),
                rcv_nxt: TCP_RCV_NXT.read(tcp),
            })
        }
    }

    /// Local and remote address; IPv4 is mapped, so that both families are one key.
    #[inline(always)]
    fn addresses(self) -> Option<([u8; 16], [u8; 16])> {
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

    /// The socket's flow as the end in `role`, of `process`, with the other end `peer`.
    #[inline(always)]
    pub(crate) fn flow_key(self, role: u8, process: &Process, peer: u64) -> Option<FlowKey> {
        let (local, remote) = self.addresses()?;
        // SAFETY: a socket, by `new`; it keeps its network namespace alive.
        let (netns, local_port, remote_port) = unsafe {
            (
                NET_INUM.read(SK_NET.follow(self.0)),
                SK_LOCAL_PORT.read(self.0),
                u16::from_be(SK_REMOTE_PORT.read(self.0)),
            )
        };
        Some(FlowKey {
            cgroup: process.cgroup,
            peer,
            local,
            remote,
            comm: process.comm,
            netns,
            port: if role == probe_ebpf::flow::ROLE_CLIENT {
                remote_port
            } else {
                local_port
            },
            protocol: IPPROTO_TCP as u8,
            role,
        })
    }
}

/// `::ffff:a.b.c.d`, from an address in network byte order.
#[inline(always)]
fn mapped(v4: u32) -> [u8; 16] {
    bytes([0, u64::from(v4) << 32 | u64::from(0xffff_u32.to_be())])
}

#[inline(always)]
fn bytes(words: [u64; 2]) -> [u8; 16] {
    // SAFETY: both are 16 bytes of integers.
    unsafe { core::mem::transmute(words) }
}
