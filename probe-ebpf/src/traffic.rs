//! What is said: the payload of each call that moved some, for `probe traffic`, and loaded only then.

use core::ffi::c_void;

use aya_ebpf::{Global, macros::btf_tracepoint, programs::BtfTracePointContext};
use probe_ebpf::{
    flow::{PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_UNIX},
    loss::Loss,
    message::{DIRECTION_RECEIVED, DIRECTION_SENT},
};

use crate::{
    call::{Call, Direction},
    datagram::{Noted, Peer, connected_to, noted},
    kernel::Process,
    losses::counted,
    payload::{MSG_ERRQUEUE, MSG_PEEK},
    said::Said,
    socket::Socket,
    unix, user_memory,
};

/// Over TCP, of a receive: the bytes are thrown away, and put nowhere.
pub(crate) const MSG_TRUNC: i32 = 0x20;

/// The probe's own process, which is left out.
#[unsafe(no_mangle)]
pub(crate) static OWN_PID: Global<u32> = Global::new(0);

/// `sock_send_length(struct sock *sk, int ret, int flags)`, since 6.3.
#[btf_tracepoint(function = "sock_send_length")]
fn traffic_send(ctx: BtfTracePointContext) -> i32 {
    let call = Call {
        direction: Direction::Send,
        returned: ctx.arg(1),
        moves: true,
    };
    moved("traffic_send", ctx.arg(0), &call, 0)
}

/// `sock_recv_length(struct sock *sk, int ret, int flags)`, since 6.3.
#[btf_tracepoint(function = "sock_recv_length")]
fn traffic_receive(ctx: BtfTracePointContext) -> i32 {
    let call = Call {
        direction: Direction::Receive,
        returned: ctx.arg(1),
        moves: ctx.arg::<i32>(2) & (MSG_PEEK | MSG_ERRQUEUE) == 0,
    };
    moved("traffic_receive", ctx.arg(0), &call, ctx.arg(2))
}

/// The end of a call on a socket, with the flags of a receive.
#[inline(always)]
pub(crate) fn moved(program: &'static str, sk: *const c_void, call: &Call, flags: i32) -> i32 {
    // SAFETY: the hook's argument is a socket.
    let socket = unsafe { Socket::new(sk) };
    counted(program, try_moved(socket, call, flags))
}

#[inline(always)]
fn try_moved(socket: Socket, call: &Call, flags: i32) -> Result<(), Loss> {
    let protocol = if socket.is_tcp() {
        PROTOCOL_TCP
    } else if socket.is_udp() {
        PROTOCOL_UDP
    } else if socket.is_unix() {
        PROTOCOL_UNIX
    } else {
        return Ok(());
    };
    // Also a call that failed has noted its peer.
    let noted = if protocol == PROTOCOL_UDP {
        noted()
    } else {
        Noted::NOTHING
    };
    if call.returned < 0 {
        user_memory::call_failed();
        return Ok(());
    }
    let process = Process::current();
    if !call.moves || process.pid == OWN_PID.load() || !socket.is_of_a_program() {
        return Ok(());
    }
    // Before the next line, that a message without bytes is passed over.
    let mut memory = user_memory::of_current_call(call.direction);
    if protocol == PROTOCOL_TCP && flags & MSG_TRUNC != 0 {
        memory = memory.nowhere();
    }
    if call.returned == 0 {
        return Ok(());
    }
    let peer = if noted.is_of(call.direction) {
        noted.peer
    } else if protocol == PROTOCOL_UNIX {
        Peer::new([0; 16], 0)
    } else {
        connected_to(socket)
    };
    let direction = match call.direction {
        Direction::Send => DIRECTION_SENT,
        Direction::Receive => DIRECTION_RECEIVED,
    };
    let port = match protocol {
        PROTOCOL_TCP => socket.tcp_port(),
        PROTOCOL_UDP => socket.local_port(),
        _ => 0,
    };
    let (mut listener, mut peer_pid) = (core::ptr::null(), 0);
    if protocol == PROTOCOL_UNIX {
        peer_pid = socket.peer_pid();
        if let Some((_, address)) = unix::ends(socket, call.direction) {
            listener = address;
        }
    }
    let said = Said {
        netns: socket.netns(),
        local: socket.addresses().map_or([0; 16], |(local, _)| local),
        listener,
        peer_pid,
        direction,
        length: call.returned.cast_unsigned(),
        protocol,
        port,
        peer,
        process,
        memory,
    };
    if said.is_wanted() {
        said.submit()?;
    }
    Ok(())
}
