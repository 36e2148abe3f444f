//! The life of TCP connections: who opens them to whom, and when they end.
//!
//! This is the one place that looks a socket over. It gives the socket its flow, and from then on
//! sends and receives only add.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use core::ffi::c_void;
use probe_ebpf::{
    flow::{ROLE_CLIENT, ROLE_SERVER},
    loss::Loss,
};

use crate::{
    atomic::add,
    flows,
    kernel::Process,
    losses::counted,
    socket::{Pending, STAGE_CONNECTING, STAGE_IDLE, STAGE_OPEN, Socket, SocketState},
};

// `TCP_*` of include/net/tcp_states.h.
const ESTABLISHED: i32 = 1;
const SYN_SENT: i32 = 2;
const CLOSE: i32 = 7;
const LISTEN: i32 = 10;

/// `inet_sock_set_state(const struct sock *sk, const int oldstate, const int newstate)`, since 4.16.
#[btf_tracepoint(function = "inet_sock_set_state")]
fn inet_sock_set_state(ctx: BtfTracePointContext) -> i32 {
    counted(try_set_state(&ctx))
}

#[inline(always)]
fn try_set_state(ctx: &BtfTracePointContext) -> Result<(), Loss> {
    // SAFETY: the tracepoint's first argument is a socket.
    let socket = unsafe { Socket::new(ctx.arg::<*const c_void>(0)) };
    let new: i32 = ctx.arg(2);
    // Before the socket is touched: most changes are none of these.
    match new {
        SYN_SENT | LISTEN | ESTABLISHED | CLOSE if socket.is_tcp() => {}
        _ => return Ok(()),
    }
    match new {
        SYN_SENT => connecting(socket),
        LISTEN => listening(socket),
        ESTABLISHED => established(socket),
        _ => closed(socket),
    }
}

/// `tcp_destroy_sock(struct sock *sk)`, since 4.16: no call can reach the socket any more. Only now
/// has it left its flow: what was queued can still be received in state CLOSE.
#[btf_tracepoint(function = "tcp_destroy_sock")]
fn tcp_destroy_sock(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the tracepoint's first argument is a socket.
    let socket = unsafe { Socket::new(ctx.arg::<*const c_void>(0)) };
    let Some(state) = socket.state() else {
        return 0;
    };
    // SAFETY: a live entry of the storage map.
    counted(unsafe { leave(state) })
}

/// In `connect`: the caller is the client.
#[inline(always)]
fn connecting(socket: Socket) -> Result<(), Loss> {
    let process = Process::current();
    let Some(key) = socket.flow_key(ROLE_CLIENT, &process, 0) else {
        return Ok(());
    };
    let state = socket.state_or_new()?;
    // SAFETY: a live entry of the storage map. A socket may connect again after a failure.
    unsafe { leave(state)? };
    let flow = flows::find_or_make(&key)?;
    // SAFETY: as above.
    unsafe {
        (*state).comm = process.comm;
        (*state).pid = process.pid;
        join(state, flow, STAGE_CONNECTING)
    }
}

/// In `listen`: the caller owns what will be accepted.
#[inline(always)]
fn listening(socket: Socket) -> Result<(), Loss> {
    let process = Process::current();
    let state = socket.state_or_new()?;
    // SAFETY: a live entry of the storage map.
    unsafe {
        (*state).comm = process.comm;
        (*state).pid = process.pid;
    }
    Ok(())
}

/// Often in an interrupt: nothing here may look at the running task.
#[inline(always)]
fn established(socket: Socket) -> Result<(), Loss> {
    if let Some(state) = socket.state() {
        // SAFETY: a live entry of the storage map.
        unsafe {
            if (*state).stage == STAGE_CONNECTING {
                (*state).stage = STAGE_OPEN;
                add(&raw mut (*state).pending.opened, 1);
                if let Some(half) = socket.half() {
                    flows::offer_half(half, (*state).flow);
                }
                return Ok(());
            }
        }
    }
    accepted(socket)
}

#[inline(always)]
fn accepted(socket: Socket) -> Result<(), Loss> {
    // A listener older than the probe left no owner: the cgroup is the socket's all the same.
    let state = socket.state_or_new()?;
    // SAFETY: a live entry of the storage map.
    let process = unsafe {
        Process {
            cgroup: socket.cgroup(),
            pid: (*state).pid,
            comm: (*state).comm,
        }
    };
    let peer = socket.half().map_or(0, flows::take_half);
    let Some(key) = socket.flow_key(ROLE_SERVER, &process, peer) else {
        return Ok(());
    };
    let flow = flows::find_or_make(&key)?;
    // SAFETY: as above.
    unsafe {
        join(state, flow, STAGE_OPEN)?;
        add(&raw mut (*state).pending.opened, 1);
    }
    Ok(())
}

#[inline(always)]
fn closed(socket: Socket) -> Result<(), Loss> {
    let Some(state) = socket.state() else {
        return Ok(());
    };
    // SAFETY: a live entry of the storage map.
    unsafe {
        match (*state).stage {
            STAGE_OPEN => add(&raw mut (*state).pending.closed, 1),
            STAGE_CONNECTING => {
                add(&raw mut (*state).pending.failed, 1);
                (*state).error = socket.error();
            }
            _ => {}
        }
        (*state).stage = STAGE_IDLE;
    }
    Ok(())
}

/// From now on the socket counts for `flow`.
///
/// # Safety
///
/// `state` is a live entry of the storage map.
#[inline(always)]
unsafe fn join(state: *mut SocketState, flow: u64, stage: u32) -> Result<(), Loss> {
    let counters = flows::counters(flow).ok_or(Loss::CountersGone)?;
    // SAFETY: by the caller's promise; the counters are a live map value.
    unsafe {
        (*state).flow = flow;
        (*state).stage = stage;
        (*counters).last_pid = (*state).pid;
        add(&raw mut (*counters).attached, 1);
    }
    Ok(())
}

/// From now on it counts for none; its flow has all it counted.
///
/// # Safety
///
/// `state` is a live entry of the storage map.
#[inline(always)]
unsafe fn leave(state: *mut SocketState) -> Result<(), Loss> {
    // SAFETY: by the caller's promise.
    let flow = unsafe { core::mem::replace(&mut (*state).flow, 0) };
    if flow == 0 {
        return Ok(());
    }
    let counters = flows::counters(flow).ok_or(Loss::CountersGone)?;
    // SAFETY: a live value of the counter map, and the caller's entry.
    unsafe {
        Pending::move_to(&raw mut (*state).pending, counters);
        if (*state).error != 0 {
            (*counters).last_error = (*state).error;
        }
        add(&raw mut (*counters).detached, 1);
    }
    Ok(())
}
