//! Payload: what send and receive calls returned.
//!
//! The hot path of the probe. It looks nothing up but the socket's own memory.

use core::ffi::c_void;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{
    atomic::add,
    socket::{Pending, Socket},
};

const MSG_PEEK: i32 = 2;

/// `sock_send_length(struct sock *sk, int ret, int flags)`, since 6.3: at the end of each send, of
/// whichever system call.
#[btf_tracepoint(function = "sock_send_length")]
fn sock_send_length(ctx: BtfTracePointContext) -> i32 {
    payload(&ctx, |pending| unsafe {
        (&raw mut (*pending).sends, &raw mut (*pending).bytes_sent)
    });
    0
}

/// `sock_recv_length(struct sock *sk, int ret, int flags)`, since 6.3.
#[btf_tracepoint(function = "sock_recv_length")]
fn sock_recv_length(ctx: BtfTracePointContext) -> i32 {
    if ctx.arg::<i32>(2) & MSG_PEEK != 0 {
        return 0;
    }
    payload(&ctx, |pending| unsafe {
        (
            &raw mut (*pending).receives,
            &raw mut (*pending).bytes_received,
        )
    });
    0
}

/// Adds to the two counters that `fields` picks. Cannot fail: a socket without a flow has been
/// counted as a loss when it got none.
#[inline(always)]
fn payload(ctx: &BtfTracePointContext, fields: impl FnOnce(*mut Pending) -> (*mut u64, *mut u64)) {
    let returned: i32 = ctx.arg(1);
    // An error, or the end of the stream.
    if returned <= 0 {
        return;
    }
    // SAFETY: the tracepoint's first argument is a socket.
    let socket = unsafe { Socket::new(ctx.arg::<*const c_void>(0)) };
    let Some(state) = socket.state() else {
        return;
    };
    // SAFETY: a live entry of the storage map, and pointers into it.
    unsafe {
        if (*state).flow != 0 {
            let (calls, bytes) = fields(&raw mut (*state).pending);
            add(calls, 1);
            add(bytes, u64::from(returned.cast_unsigned()));
        }
    }
}
