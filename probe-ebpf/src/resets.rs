//! Connections that end in a reset.

use core::ffi::c_void;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use probe_ebpf::flow::FlowCounters;

use crate::{atomic::add, flows, socket::Socket};

/// `tcp_send_reset(const struct sock *sk, const struct sk_buff *skb, …)`, since 4.15: in answer to a
/// segment that fits nothing, or when a program closes with unread data. Without a socket there is
/// nobody to count it for.
#[btf_tracepoint(function = "tcp_send_reset")]
fn tcp_send_reset(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: `count` gives a live one.
    count(&ctx, |counters| unsafe { &raw mut (*counters).resets_sent });
    0
}

/// `tcp_receive_reset(struct sock *sk)`, since 4.15.
#[btf_tracepoint(function = "tcp_receive_reset")]
fn tcp_receive_reset(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: `count` gives a live one.
    count(&ctx, |counters| unsafe {
        &raw mut (*counters).resets_received
    });
    0
}

#[inline(always)]
fn count(ctx: &BtfTracePointContext, counter: impl FnOnce(*mut FlowCounters) -> *mut u64) {
    let sk: *const c_void = ctx.arg(0);
    // "R1 invalid mem access 'trusted_ptr_or_null_'": kernels since 6.13 know that it may be null.
    if sk.is_null() {
        return;
    }
    // SAFETY: the tracepoint's first argument is a socket.
    let Some(entry) = (unsafe { Socket::new(sk) }).memory() else {
        return;
    };
    // SAFETY: a live entry.
    if let Some(counters) = flows::counters(unsafe { (*entry.as_ptr()).flow }) {
        // SAFETY: a live map value.
        unsafe { add(counter(counters), 1) };
    }
}
