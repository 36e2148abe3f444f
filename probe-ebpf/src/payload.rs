//! Payload: what send and receive calls returned, added to the socket's flow.
//!
//! The hot path of the probe. It looks nothing up but the socket's memory and the flow's counters.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use core::ffi::c_void;
use probe_ebpf::{flow::FlowCounters, loss::Loss};

use crate::{atomic::add, flows, losses::counted, socket::Socket};

const MSG_PEEK: i32 = 2;

/// `sock_send_length(struct sock *sk, int ret, int flags)`, since 6.3: at the end of each send, of
/// whichever system call.
#[btf_tracepoint(function = "sock_send_length")]
fn sock_send_length(ctx: BtfTracePointContext) -> i32 {
    counted(try_payload(&ctx, |counters| unsafe {
        (&raw mut (*counters).sends, &raw mut (*counters).bytes_sent)
    }))
}

/// `sock_recv_length(struct sock *sk, int ret, int flags)`, since 6.3.
#[btf_tracepoint(function = "sock_recv_length")]
fn sock_recv_length(ctx: BtfTracePointContext) -> i32 {
    if ctx.arg::<i32>(2) & MSG_PEEK != 0 {
        return 0;
    }
    counted(try_payload(&ctx, |counters| unsafe {
        (
            &raw mut (*counters).receives,
            &raw mut (*counters).bytes_received,
        )
    }))
}

#[inline(always)]
fn try_payload(
    ctx: &BtfTracePointContext,
    fields: impl FnOnce(*mut FlowCounters) -> (*mut u64, *mut u64),
) -> Result<(), Loss> {
    let returned: i32 = ctx.arg(1);
    // An error, or the end of the stream.
    if returned <= 0 {
        return Ok(());
    }
    // SAFETY: the tracepoint's first argument is a socket.
    let socket = unsafe { Socket::new(ctx.arg::<*const c_void>(0)) };
    let Some(state) = socket.state() else {
        return Ok(());
    };
    // SAFETY: a live entry of the storage map.
    let flow = unsafe { (*state).flow };
    if flow == 0 {
        return Ok(());
    }
    let counters = flows::counters(flow).ok_or(Loss::CountersGone)?;
    let (calls, bytes) = fields(counters);
    // SAFETY: pointers into a live value of the counter map.
    unsafe {
        add(calls, 1);
        add(bytes, u64::from(returned.cast_unsigned()));
    }
    Ok(())
}
