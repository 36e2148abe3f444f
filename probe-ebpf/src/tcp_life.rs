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
    socket::{Position, Socket},
};

// `TCP_*` of include/net/tcp_states.h.
pub(crate) const ESTABLISHED: i32 = 1;
pub(crate) const SYN_SENT: i32 = 2;
pub(crate) const FIN_WAIT1: i32 = 4;
pub(crate) const CLOSE: i32 = 7;
pub(crate) const CLOSE_WAIT: i32 = 8;
pub(crate) const LAST_ACK: i32 = 9;
pub(crate) const LISTEN: i32 = 10;

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
        CLOSE => closed(socket),
        _ => {
            shut(socket);
            Ok(())
        }
    }
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
    let ended = entry.end(|| socket.position());
    table::leave(socket.address());
    counted("tcp_destroy_sock", ended)
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
    entry.connect(flow)
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
    let counters = flows::counters(flow).ok_or(Loss::CountersGone)?;
    // SAFETY: as above, and a live map value.
    unsafe {
        entry.listen(socket.address(), flow);
        (*counters).last_pid = owner.pid;
        add(&raw mut (*counters).attached, 1);
    }
    Ok(())
}

/// Often in an interrupt: nothing here may look at the running task.
#[inline(always)]
fn established(socket: Socket, old: i32) -> Result<(), Loss> {
    let Some(position) = socket.position() else {
        return Ok(());
    };
    let entry = socket.memory_or_new()?;
    // SAFETY: a live entry.
    let connecting = unsafe { (*entry.as_ptr()).stage == STAGE_CONNECTING };
    // A client that was connecting when the probe came has no memory of it.
    let active = connecting || old == SYN_SENT;
    let origin = position.origin(active);
    if !active {
        entry.accept(&listeners::owner(socket))?;
    }
    // Before the socket has its flow: the tick may look at any moment.
    entry.begin(active, origin, &position);
    if connecting {
        // SAFETY: as above.
        halves::offer(origin, unsafe { (*entry.as_ptr()).flow });
    } else {
        attach(socket, entry, active, origin)?;
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
fn attach(socket: Socket, entry: Entry, active: bool, origin: Half) -> Result<(), Loss> {
    // SAFETY: a live entry. Where there is no owner, the cgroup is the socket's all the same.
    let owner = unsafe {
        Process {
            cgroup: socket.cgroup(),
            pid: (*entry.as_ptr()).pid,
            comm: (*entry.as_ptr()).comm,
        }
    };
    join_flow(socket, entry, active, origin, &owner).map(drop)
}

/// Finds the flow of a connection that stands, matches it with its other end, and joins it.
#[inline(always)]
pub(crate) fn join_flow(
    socket: Socket,
    entry: Entry,
    active: bool,
    origin: Half,
    owner: &Process,
) -> Result<bool, Loss> {
    let (role, peer) = if active {
        (ROLE_CLIENT, 0)
    } else {
        (ROLE_SERVER, halves::take(origin))
    };
    let Some(key) = socket.flow_key(role, owner, peer) else {
        return Ok(false);
    };
    let flow = flows::find_or_make(&key)?;
    entry.join(flow, STAGE_OPEN)?;
    if active {
        halves::offer(origin, flow);
    } else if peer == 0 {
        halves::keep(origin.swapped(), flow);
    }
    Ok(true)
}

/// A FIN is about to be sent: nothing can be after it. What was sent is told with the rest, at the
/// end or by the tick.
#[inline(always)]
fn shut(socket: Socket) {
    let Some(entry) = socket.memory() else {
        return;
    };
    // SAFETY: a live entry.
    if unsafe { (*entry.as_ptr()).stage } == STAGE_OPEN {
        entry.shut(socket.written());
    }
}

#[inline(always)]
fn closed(socket: Socket) -> Result<(), Loss> {
    let Some(entry) = socket.memory() else {
        return Ok(());
    };
    let memory = entry.as_ptr();
    // SAFETY: a live entry.
    let told = unsafe {
        match (*memory).stage {
            STAGE_OPEN | STAGE_SHUT => {
                if (*memory).since != 0 {
                    let stood = bpf_ktime_get_ns().wrapping_sub((*memory).since);
                    add(&raw mut (*memory).pending.lifetime_ns, stood);
                }
                add(&raw mut (*memory).pending.closed, 1);
                if socket.is_orphan() {
                    return Ok(()); // it is destroyed next, and tells all then
                }
                entry.tell(|| socket.position())
            }
            STAGE_CONNECTING => {
                add(&raw mut (*memory).pending.failed, 1);
                failed((*memory).flow, socket.error());
                entry.tell(|| socket.position())
            }
            STAGE_LISTENING => entry.stop_listening(socket.address()),
            _ => Ok(()),
        }
    };
    // SAFETY: as above.
    unsafe { (*memory).stage = STAGE_IDLE };
    told
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

/// Lets a connection that stood before the probe came count from now on.
#[inline(always)]
pub(crate) fn resume(
    socket: Socket,
    active: bool,
    owner: &Process,
    position: &Position,
) -> Result<(), Loss> {
    let entry = socket.memory_or_lasting()?;
    // SAFETY: a live entry.
    unsafe {
        if (*entry.as_ptr()).flow != 0 {
            return Ok(()); // its connect or accept was seen, or another process shares it
        }
        (*entry.as_ptr()).comm = owner.comm;
        (*entry.as_ptr()).pid = owner.pid;
    }
    let origin = position.origin(active);
    entry.resume(active, origin, position);
    if !join_flow(socket, entry, active, origin, owner)? {
        return Ok(());
    }
    let shut = !matches!(socket.state(), ESTABLISHED | CLOSE_WAIT);
    // SAFETY: as above.
    unsafe {
        if shut {
            // As of `position`, the FIN included: it is not new either.
            (*entry.as_ptr()).stage = STAGE_SHUT;
        }
        if let Some(counters) = flows::counters((*entry.as_ptr()).flow) {
            add(&raw mut (*counters).existing, 1);
        }
    }
    Ok(())
}
