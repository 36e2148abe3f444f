//! Calls that moved payload. What they moved over TCP is read off the socket: see [`crate::memory`].

use core::ffi::c_void;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{
    atomic::add,
    call::{Call, Direction},
    datagram,
    losses::counted,
    socket::Socket,
    unix,
};

pub(crate) const MSG_PEEK: i32 = 2;
pub(crate) const MSG_ERRQUEUE: i32 = 0x2000;

/// `sock_send_length(struct sock *sk, int ret, int flags)`, since 6.3: at the end of each send, of
/// whichever system call.
#[btf_tracepoint(function = "sock_send_length")]
fn sock_send_length(ctx: BtfTracePointContext) -> i32 {
    let call = Call {
        direction: Direction::Send,
        returned: ctx.arg(1),
        moves: true,
    };
    ended("sock_send_length", ctx.arg(0), &call)
}

/// `sock_recv_length(struct sock *sk, int ret, int flags)`, since 6.3.
#[btf_tracepoint(function = "sock_recv_length")]
fn sock_recv_length(ctx: BtfTracePointContext) -> i32 {
    let call = Call {
        direction: Direction::Receive,
        returned: ctx.arg(1),
        moves: ctx.arg::<i32>(2) & (MSG_PEEK | MSG_ERRQUEUE) == 0,
    };
    ended("sock_recv_length", ctx.arg(0), &call)
}

/// The hot path of the probe: over TCP it looks nothing up but the socket's own memory.
#[inline(always)]
pub(crate) fn ended(program: &'static str, sk: *const c_void, call: &Call) -> i32 {
    // SAFETY: the hook's argument is a socket.
    let socket = unsafe { Socket::new(sk) };
    if socket.is_udp() {
        // Also a call that failed has noted its peer.
        return counted(program, datagram::count(socket, call));
    }
    // An error, the end of the stream, or only a look.
    if call.returned <= 0 || !call.moves {
        return 0;
    }
    if socket.is_tcp() {
        count_tcp(socket, call.direction);
    } else if socket.is_unix() {
        return counted(program, unix::count(socket, call));
    }
    0
}

/// A socket without memory has been counted as a loss when it got none.
#[inline(always)]
fn count_tcp(socket: Socket, direction: Direction) {
    let Some(entry) = socket.memory() else {
        return;
    };
    let memory = entry.as_ptr();
    // SAFETY: a live entry.
    unsafe {
        match direction {
            Direction::Send => add(&raw mut (*memory).pending.sends, 1),
            Direction::Receive => add(&raw mut (*memory).pending.receives, 1),
        }
    }
}
