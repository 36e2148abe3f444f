//! Calls that moved payload. What they moved is read off the socket: see [`crate::memory`].

use core::ffi::c_void;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{atomic::add, memory::Pending, socket::Socket};

const MSG_PEEK: i32 = 2;

/// `sock_send_length(struct sock *sk, int ret, int flags)`, since 6.3: at the end of each send, of
/// whichever system call.
#[btf_tracepoint(function = "sock_send_length")]
fn sock_send_length(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: `count` gives a live one.
    count(&ctx, |pending| unsafe { &raw mut (*pending).sends });
    0
}

/// `sock_recv_length(struct sock *sk, int ret, int flags)`, since 6.3.
#[btf_tracepoint(function = "sock_recv_length")]
fn sock_recv_length(ctx: BtfTracePointContext) -> i32 {
    if ctx.arg::<i32>(2) & MSG_PEEK == 0 {
        // SAFETY: `count` gives a live one.
        count(&ctx, |pending| unsafe { &raw mut (*pending).receives });
    }
    0
}

/// The hot path of the probe: it looks nothing up but the socket's own memory. Cannot fail: a
/// socket without a flow has been counted as a loss when it got none.
#[inline(always)]
fn count(ctx: &BtfTracePointContext, counter: impl FnOnce(*mut Pending) -> *mut u64) {
    let returned: i32 = ctx.arg(1);
    // An error, or the end of the stream.
    if returned <= 0 {
        return;
    }
    // SAFETY: the tracepoint's first argument is a socket.
    let socket = unsafe { Socket::new(ctx.arg::<*const c_void>(0)) };
    if let Some(entry) = socket.memory() {
        // SAFETY: a live entry, and a pointer into it.
        unsafe { add(counter(&raw mut (*entry.as_ptr()).pending), 1) };
    }
}
