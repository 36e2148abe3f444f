//! Calls that moved payload. What they moved over TCP is read off the socket: see [`crate::memory`].

use core::ffi::c_void;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use probe_ebpf::loss::Loss;

use crate::{
    atomic::add,
    call::{Call, Direction},
    datagram, dns_answers,
    losses::{self, counted},
    socket::Socket,
    standing::meet,
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
    ended("sock_send_length", ctx.arg(0), &call);
    0
}

/// `sock_recv_length(struct sock *sk, int ret, int flags)`, since 6.3.
#[btf_tracepoint(function = "sock_recv_length")]
fn sock_recv_length(ctx: BtfTracePointContext) -> i32 {
    let call = Call {
        direction: Direction::Receive,
        returned: ctx.arg(1),
        moves: ctx.arg::<i32>(2) & (MSG_PEEK | MSG_ERRQUEUE) == 0,
    };
    let from = ended("sock_recv_length", ctx.arg(0), &call);
    if from == dns_answers::DOMAIN {
        dns_answers::hear(&ctx);
    }
    0
}

/// What a socket is, as far as calls are counted.
#[derive(Clone, Copy)]
pub(crate) enum Family {
    Tcp,
    Udp,
    Unix,
}

impl Family {
    /// Whether it is the socket's.
    #[inline(always)]
    fn is_of(self, socket: Socket) -> bool {
        match self {
            Self::Tcp => socket.is_tcp(),
            Self::Udp => socket.is_udp(),
            Self::Unix => socket.is_unix(),
        }
    }
}

/// The end of a call on a socket of whichever family; gives the port that a datagram went to or came
/// from, 0 of all else.
#[inline(always)]
fn ended(program: &'static str, sk: *const c_void, call: &Call) -> u16 {
    // SAFETY: the hook's argument is a socket.
    let socket = unsafe { Socket::new(sk) };
    for family in [Family::Udp, Family::Tcp, Family::Unix] {
        if family.is_of(socket) {
            return count(family, socket, call).unwrap_or_else(|loss| {
                losses::count(program, loss);
                0
            });
        }
    }
    0
}

/// The same of a call that only sockets of one family have, and of that family those that are counted.
#[inline(always)]
pub(crate) fn ended_on(
    program: &'static str,
    family: Family,
    sk: *const c_void,
    call: &Call,
) -> i32 {
    // SAFETY: the hook's argument is a socket.
    let socket = unsafe { Socket::new(sk) };
    if !family.is_of(socket) {
        return 0;
    }
    counted(program, count(family, socket, call).map(drop))
}

/// The hot path of the probe: over TCP it looks nothing up but the socket's own memory. The port is that
/// of [`ended`].
#[inline(always)]
fn count(family: Family, socket: Socket, call: &Call) -> Result<u16, Loss> {
    match family {
        // Also a call that failed has noted its peer.
        Family::Udp => datagram::count(socket, call),
        // An error, the end of the stream, or only a look.
        _ if call.returned <= 0 || !call.moves => Ok(0),
        Family::Tcp => count_tcp(socket, call).map(|()| 0),
        Family::Unix => unix::count(socket, call).map(|()| 0),
    }
}

#[inline(always)]
fn count_tcp(socket: Socket, call: &Call) -> Result<(), Loss> {
    let entry = match socket.memory() {
        Some(entry) => entry,
        None => match meet(socket, *call)? {
            Some(entry) => entry,
            None => return Ok(()),
        },
    };
    let memory = entry.as_ptr();
    // SAFETY: a live entry.
    unsafe {
        match call.direction {
            Direction::Send => add(&raw mut (*memory).pending.sends, 1),
            Direction::Receive => add(&raw mut (*memory).pending.receives, 1),
        }
    }
    Ok(())
}
