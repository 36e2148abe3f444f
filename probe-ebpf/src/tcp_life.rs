//! The life of TCP connections: who opens them to whom, and when they end.
//!
//! This is the one place that looks a socket over. It gives the socket its flow, and from then on
//! the socket counts for itself.

use core::ffi::c_void;

use aya_ebpf::{helpers::bpf_ktime_get_ns, macros::btf_tracepoint, programs::BtfTracePointContext};
use probe_ebpf::{
    flow::{ROLE_CLIENT, ROLE_LISTENER, ROLE_SERVER},
    half::Half,
    loss::Loss,
};

use crate::{
    atomic::add,
    flows, halves,
    kernel::Process,
    listeners,
    losses::counted,
    memory::{Entry, STAGE_CONNECTING, STAGE_IDLE, STAGE_LISTENING, STAGE_OPEN, STAGE_SHUT, table},
    socket::Socket,
    standing::overdue,
};

// `TCP_*` of include/net/tcp_states.h.
pub(crate) const ESTABLISHED: i32 = 1;
pub(crate) const SYN_SENT: i32 = 2;
const SYN_RECV: i32 = 3;
const FIN_WAIT1: i32 = 4;
const TIME_WAIT: i32 = 6;
pub(crate) const CLOSE: i32 = 7;
pub(crate) const CLOSE_WAIT: i32 = 8;
const LAST_ACK: i32 = 9;
pub(crate) const LISTEN: i32 = 10;
const NEW_SYN_RECV: i32 = 12;

// errno of include/uapi/asm-generic/errno.h.
const ENETUNREACH: u32 = 101;
const ETIMEDOUT: u32 = 110;
const ECONNREFUSED: u32 = 111;
const EHOSTUNREACH: u32 = 113;

/// `inet_sock_set_state(const struct sock *sk, const int oldstate, const int newstate)`, since 4.16.
#[btf_tracepoint(function = "inet_sock_set_state")]
fn inet_sock_set_state(ctx: BtfTracePointContext) -> i32 {
    counted("inet_sock_set_state", try_set_state(&ctx))
}

#[inline(always)]
fn try_set_state(ctx: &BtfTracePointContext) -> Result<(), Loss> {
    // SAFETY: the tracepoint's first argument is a socket.
    let socket = unsafe { Socket::new(ctx.arg::<*const c_void>(0)) };
    let (old, new): (i32, i32) = (ctx.arg(1), ctx.arg(2));
    // Before the socket is touched: half the changes are none of these.
    match new {
        SYN_SENT | LISTEN | ESTABLISHED | FIN_WAIT1 | LAST_ACK | CLOSE if socket.is_tcp() => {}
        _ => return Ok(()),
    }
    if !socket.is_in_view() {
        return Ok(());
    }
    match new {
        SYN_SENT => connecting(socket),
        LISTEN => listening(socket, &Process::current()),
        ESTABLISHED => established(socket, old),
        // It is destroyed next, and tells all then.
        CLOSE if socket.is_orphan() => Ok(()),
        _ => ending(socket, old, new),
    }
}

/// Whether it is the state of a connection.
#[inline(always)]
pub(crate) const fn stands(state: i32) -> bool {
    !matches!(
        state,
        SYN_SENT | SYN_RECV | TIME_WAIT | CLOSE | LISTEN | NEW_SYN_RECV
    )
}

/// `tcp_destroy_sock(struct sock *sk)`, since 4.16: no call can reach the socket any more. Only now
/// has it left its flow: what was queued can still be received in state CLOSE.
#[btf_tracepoint(function = "tcp_destroy_sock")]
fn tcp_destroy_sock(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the tracepoint's first argument is a socket.
    let socket = unsafe { Socket::new(ctx.arg::<*const c_void>(0)) };
    let Some(entry) = socket.memory() else {
        return 0;
    };
    let concluded = conclude(socket, entry);
    let ended = entry.end(|| socket.position());
    table::leave(socket.address());
    counted("tcp_destroy_sock", concluded.and(ended))
}

/// In `connect`: the caller is the client.
#[inline(always)]
fn connecting(socket: Socket) -> Result<(), Loss> {
    let process = Process::current();
    let Some(key) = socket.flow_key(ROLE_CLIENT, &process, 0) else {
        return Ok(());
    };
    let entry = socket.memory_or_new()?;
    // A socket may connect again after a failure.
    entry.leave()?;
    let flow = flows::find_or_make(&key)?;
    // SAFETY: a live entry.
    unsafe {
        (*entry.as_ptr()).comm = process.comm;
        (*entry.as_ptr()).pid = process.pid;
        (*entry.as_ptr()).since = bpf_ktime_get_ns();
    }
    entry.connect(flow);
    Ok(())
}

/// Whoever listens owns what will be accepted. A listener has a flow of its own: it says who
/// listens where before anybody comes, and takes the connections that were turned away.
#[inline(always)]
pub(crate) fn listening(socket: Socket, owner: &Process) -> Result<(), Loss> {
    listeners::remember(socket, owner);
    let entry = socket.memory_or_lasting()?;
    let memory = entry.as_ptr();
    // SAFETY: a live entry.
    unsafe {
        (*memory).comm = owner.comm;
        (*memory).pid = owner.pid;
        (*memory).stage = STAGE_LISTENING;
        if (*memory).listening != 0 {
            return Ok(()); // several processes share it, or it listens again
        }
    }
    let Some(key) = socket.flow_key(ROLE_LISTENER, owner, 0) else {
        return Ok(());
    };
    let flow = flows::find_or_make(&key)?;
    // SAFETY: as above, and a live map value.
    unsafe {
        entry.listen(socket.address(), flow.id);
        (*flow.counters).last_pid = owner.pid;
        add(&raw mut (*flow.counters).attached, 1);
    }
    Ok(())
}

/// Often in an interrupt: nothing here may look at the running task.
#[inline(always)]
fn established(socket: Socket, old: i32) -> Result<(), Loss> {
    let Some(position) = socket.position() else {
        return Ok(());
    };
    let entry = match old {
        SYN_RECV => socket.memory_of_new()?,
        _ => socket.memory_or_new()?,
    };
    let connecting = entry.is_connecting();
    // A client that was connecting when the probe came has no memory of it.
    let active = connecting || old == SYN_SENT;
    let origin = position.origin(active);
    if !active {
        entry.accept(&listeners::owner(socket))?;
    }
    // Before the socket has its flow: the tick may look at any moment.
    entry.begin(active, origin, &position);
    let peer = if connecting {
        0
    } else {
        let Some(peer) = attach(socket, entry, active, origin)? else {
            return Ok(());
        };
        peer
    };
    // SAFETY: a live entry.
    let flow = unsafe { (*entry.as_ptr()).flow };
    if let Some(half) = offer(active, origin, flow, peer) {
        halves::keep_of_many(half, flow);
    }
    let memory = entry.as_ptr();
    // SAFETY: as above.
    unsafe {
        let now = bpf_ktime_get_ns();
        if connecting {
            let took = now.wrapping_sub((*memory).since);
            add(&raw mut (*memory).pending.connect_ns, took);
        }
        (*memory).since = now;
        (*memory).stage = STAGE_OPEN;
        add(&raw mut (*memory).pending.opened, 1);
    }
    Ok(())
}

/// Gives a connection its flow by what the socket alone tells: an accepted one, or one that the
/// probe has not seen connect.
#[inline(always)]
fn attach(socket: Socket, entry: Entry, active: bool, origin: Half) -> Result<Option<u64>, Loss> {
    // SAFETY: a live entry. Where there is no owner, the cgroup is the socket's all the same.
    let owner = unsafe {
        Process {
            cgroup: socket.cgroup(),
            pid: (*entry.as_ptr()).pid,
            comm: (*entry.as_ptr()).comm,
        }
    };
    join_flow(socket, entry, active, origin, &owner)
}

/// Finds the flow of a connection that stands, and joins it; gives the flow of a client's end that was
/// matched with it, 0 for none.
#[inline(always)]
pub(crate) fn join_flow(
    socket: Socket,
    entry: Entry,
    active: bool,
    origin: Half,
    owner: &Process,
) -> Result<Option<u64>, Loss> {
    let (role, peer) = if active {
        (ROLE_CLIENT, 0)
    } else {
        (ROLE_SERVER, halves::take(origin))
    };
    let Some(key) = socket.flow_key(role, owner, peer) else {
        return Ok(None);
    };
    entry.join(flows::find_or_make(&key)?, STAGE_OPEN);
    Ok(Some(peer))
}

/// Offers a client's half to the server's end, and gives the half that is to be kept for other hosts:
/// of a connection whose two ends have been matched it is the client's end that keeps it.
#[inline(always)]
pub(crate) fn offer(active: bool, origin: Half, flow: u64, peer: u64) -> Option<Half> {
    if active {
        halves::offer(origin, flow);
        return Some(origin);
    }
    (peer == 0).then(|| origin.swapped())
}

/// It is closed, or a FIN is about to be sent, which nothing that is sent can be after. What was moved is
/// told in either case: should the rest be missed, hardly anything is lost with it.
#[inline(always)]
fn ending(socket: Socket, old: i32, new: i32) -> Result<(), Loss> {
    let Some(entry) = socket.memory() else {
        return Ok(());
    };
    if old != SYN_SENT {
        catch_up(socket, entry);
    }
    let memory = entry.as_ptr();
    let concluded = if new == CLOSE {
        conclude(socket, entry)
    } else {
        // SAFETY: a live entry.
        if unsafe { (*memory).stage } == STAGE_OPEN {
            entry.shut(socket.written());
        }
        Ok(())
    };
    let told = entry.tell(|| socket.position());
    if new == CLOSE {
        // SAFETY: as above.
        unsafe { (*memory).stage = STAGE_IDLE };
    }
    concluded.and(told)
}

/// A connection that was asked for stands, or has stood.
#[inline(always)]
fn catch_up(socket: Socket, entry: Entry) {
    if entry.is_connecting()
        && let Some(position) = socket.position()
    {
        overdue(entry, &position);
    }
}

/// Counts what comes to its end: a connection, an attempt, listening. When the socket is destroyed,
/// that is what no change of state has told of.
#[inline(always)]
fn conclude(socket: Socket, entry: Entry) -> Result<(), Loss> {
    let memory = entry.as_ptr();
    // SAFETY: a live entry.
    unsafe {
        match (*memory).stage {
            STAGE_OPEN | STAGE_SHUT => {
                if (*memory).since != 0 {
                    let stood = bpf_ktime_get_ns().wrapping_sub((*memory).since);
                    add(&raw mut (*memory).pending.lifetime_ns, stood);
                }
                add(&raw mut (*memory).pending.closed, 1);
            }
            STAGE_CONNECTING => {
                add(&raw mut (*memory).pending.failed, 1);
                failed((*memory).flow, socket.error());
            }
            STAGE_LISTENING => return entry.stop_listening(socket.address()),
            _ => {}
        }
    }
    Ok(())
}

/// Counts why a connect failed; the flow has the number of all that did from the socket.
#[inline(always)]
fn failed(flow: u64, error: u32) {
    let Some(counters) = flows::counters(flow) else {
        return; // counted as a loss when the socket leaves
    };
    // SAFETY: a live map value.
    unsafe {
        match error {
            ECONNREFUSED => add(&raw mut (*counters).refused, 1),
            ETIMEDOUT => add(&raw mut (*counters).timed_out, 1),
            EHOSTUNREACH | ENETUNREACH => add(&raw mut (*counters).unreachable, 1),
            _ => {}
        }
    }
}
