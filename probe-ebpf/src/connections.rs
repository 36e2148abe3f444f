//! Connections one by one, for `probe events`, and loaded only then.
//!
//! Who opened one, and when, is what [`crate::tcp_life`] has remembered with the socket. It is wanted
//! as it was before a change of state: so this is attached before that. Programs on one tracepoint run
//! in the order in which they were attached.

use core::ffi::c_void;

use aya_ebpf::{
    Global,
    bindings::{BPF_F_NO_PREALLOC, BPF_SK_STORAGE_GET_F_CREATE},
    btf_maps::RingBuf,
    helpers::generated::bpf_sk_storage_get,
    macros::{btf_map, btf_tracepoint},
    programs::BtfTracePointContext,
};
use probe_ebpf::{
    flow::COMM_LEN,
    loss::Loss,
    record::{Connection, KIND_ACCEPT, KIND_CLOSE, KIND_CONNECT, KIND_CONNECT_FAILED},
};

use crate::{
    listeners,
    losses::counted,
    memory::{Entry, STAGE_CONNECTING, STAGE_OPEN, STAGE_SHUT},
    records::{header, wake},
    socket::Socket,
    storage::SocketStorage,
    tcp_life::{CLOSE, ESTABLISHED, SYN_SENT},
    wanted,
};

/// Records on their way to user space, which sets its size; when it is full, new ones are dropped and
/// counted. A page while nobody asks for them.
#[btf_map]
static CONNECTIONS: RingBuf<Connection, 4096> = RingBuf::new();

/// Connections that are closed with something left to read: told when nobody can any more. Kind 0 is
/// none. One entry a socket, freed with it.
#[btf_map]
static LEFT: SocketStorage<Connection, { BPF_F_NO_PREALLOC as usize }> = SocketStorage::new();

/// The kinds that a filter wants, a bit each.
#[unsafe(no_mangle)]
static WANTED_KINDS: Global<u32> = Global::new(u32::MAX);

/// `inet_sock_set_state(const struct sock *sk, const int oldstate, const int newstate)`, since 4.16.
#[btf_tracepoint(function = "inet_sock_set_state")]
fn connection_state(ctx: BtfTracePointContext) -> i32 {
    counted("connection_state", try_state(&ctx))
}

/// Often in an interrupt: nothing here may look at the running task.
#[inline(always)]
fn try_state(ctx: &BtfTracePointContext) -> Result<(), Loss> {
    // SAFETY: the tracepoint's first argument is a socket.
    let socket = unsafe { Socket::new(ctx.arg::<*const c_void>(0)) };
    let (old, new): (i32, i32) = (ctx.arg(1), ctx.arg(2));
    match new {
        SYN_SENT | ESTABLISHED | CLOSE if socket.is_tcp() => {}
        _ => return Ok(()),
    }
    if !socket.is_in_view() {
        return Ok(());
    }
    let entry = socket.memory();
    // SAFETY: a live entry.
    let stage = entry.map_or(0, |entry| unsafe { (*entry.as_ptr()).stage });
    let connecting = stage == STAGE_CONNECTING || old == SYN_SENT;
    let kind = match new {
        // It connects again: what was left of the connection before is lost to everybody.
        SYN_SENT => return left(socket),
        ESTABLISHED if connecting => KIND_CONNECT,
        ESTABLISHED => KIND_ACCEPT,
        _ if connecting => KIND_CONNECT_FAILED,
        _ if matches!(stage, STAGE_OPEN | STAGE_SHUT) => KIND_CLOSE,
        _ => return Ok(()), // a listener, or what never was a connection
    };
    if WANTED_KINDS.load() & (1 << kind) == 0 {
        return Ok(());
    }
    let Some(connection) = tell(socket, entry, kind) else {
        return Ok(());
    };
    if kind == KIND_CLOSE && socket.has_unread() {
        return keep(socket, &connection);
    }
    submit(&connection)
}

/// `tcp_destroy_sock(struct sock *sk)`, since 4.16: no call can reach the socket any more.
#[btf_tracepoint(function = "tcp_destroy_sock")]
fn connection_gone(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the tracepoint's first argument is a socket.
    let socket = unsafe { Socket::new(ctx.arg::<*const c_void>(0)) };
    counted("connection_gone", left(socket))
}

/// What is to be said of the connection now; `None` if a filter keeps it back.
#[inline(always)]
fn tell(socket: Socket, entry: Option<Entry>, kind: u32) -> Option<Connection> {
    let (local, remote) = socket.addresses()?;
    let (_, remote_port) = socket.remote()?;
    let local_port = socket.tcp_port();
    let (mut pid, mut comm, mut since) = (0, [0; COMM_LEN], 0);
    let (mut sent, mut received) = (0, 0);
    let mut active = kind != KIND_ACCEPT;
    if kind == KIND_ACCEPT {
        let owner = listeners::owner(socket);
        (pid, comm) = (owner.pid, owner.comm);
    } else if let Some(entry) = entry {
        let memory = entry.as_ptr();
        // SAFETY: a live entry.
        unsafe {
            pid = (*memory).pid;
            comm = (*memory).comm;
            since = (*memory).since;
        }
        if kind == KIND_CLOSE {
            active = entry.is_active();
            let position = socket.position()?;
            sent = entry.sent(&position);
            received = entry.received(&position).unwrap_or_default();
        }
    }
    let cgroup = socket.cgroup();
    if !wanted::is(cgroup, pid, (local, local_port), (remote, remote_port)) {
        return None;
    }
    let header = header(kind, pid, cgroup);
    Some(Connection {
        header,
        local,
        remote,
        took: if since == 0 { 0 } else { header.time - since },
        sent,
        received,
        comm,
        netns: socket.netns(),
        errno: if kind == KIND_CONNECT_FAILED {
            socket.error()
        } else {
            0
        },
        local_port,
        remote_port,
        active: u32::from(active),
    })
}

#[inline(always)]
fn storage(socket: Socket, flags: u64) -> *mut Connection {
    let map = (&raw const LEFT).cast_mut().cast();
    let sk = socket.as_ptr().cast_mut();
    // SAFETY: `LEFT` is a socket storage map, and it is a socket.
    unsafe { bpf_sk_storage_get(map, sk, core::ptr::null_mut(), flags) }.cast()
}

#[inline(always)]
fn keep(socket: Socket, connection: &Connection) -> Result<(), Loss> {
    let kept = storage(socket, BPF_SK_STORAGE_GET_F_CREATE.into());
    if kept.is_null() {
        return Err(Loss::ConnectionsFull);
    }
    // SAFETY: the helper vouches for it.
    unsafe { *kept = *connection };
    Ok(())
}

/// Tells of a connection that was kept back, with what has been read since.
#[inline(always)]
fn left(socket: Socket) -> Result<(), Loss> {
    let kept = storage(socket, 0);
    if kept.is_null() {
        return Ok(());
    }
    // SAFETY: the helper vouches for it.
    unsafe {
        if (*kept).header.kind != KIND_CLOSE {
            return Ok(());
        }
        if let (Some(entry), Some(position)) = (socket.memory(), socket.position())
            && let Some(received) = entry.received(&position)
        {
            (*kept).received = received;
        }
        let told = submit(&*kept);
        (*kept).header.kind = 0;
        told
    }
}

#[inline(always)]
fn submit(connection: &Connection) -> Result<(), Loss> {
    let entry = CONNECTIONS.reserve_untyped::<Connection>(0);
    let mut entry = entry.ok_or(Loss::ConnectionsFull)?;
    // SAFETY: the record is ours to fill.
    unsafe { *entry.as_mut_ptr() = *connection };
    entry.submit(wake(&CONNECTIONS));
    Ok(())
}
