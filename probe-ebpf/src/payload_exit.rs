//! The same calls on kernels without [`crate::payload`]'s tracepoints: the protocols' own functions,
//! at their end.
//!
//! What `sendfile` moved over TCP before 6.5 went past them: it is no send call here, and its bytes are
//! counted all the same.

use core::ffi::c_void;

use aya_ebpf::{macros::fexit, programs::FExitContext};

use crate::{
    call::{Call, Direction},
    kernel::SOCKET_SK,
    payload::{Family, MSG_ERRQUEUE, MSG_PEEK, ended_on},
    socket::Socket,
};

/// A program at the end of `$function(…)`, whose first argument is a `struct sock *`, or the
/// `struct socket *` that has one, and which returns what it moved, after `$arguments` arguments.
macro_rules! at_end_of {
    ($($name:ident = $function:literal, $arguments:literal, $direction:ident, $family:ident, $sk:ident;)*) => {$(
        #[doc = concat!("`", $function, "`, in 5.19 to 6.2.")]
        #[fexit(function = $function)]
        fn $name(ctx: FExitContext) -> i32 {
            let direction = Direction::$direction;
            let call = Call {
                direction,
                returned: ctx.arg($arguments),
                moves: match direction {
                    Direction::Send => true,
                    Direction::Receive => ctx.arg::<i32>(3) & (MSG_PEEK | MSG_ERRQUEUE) == 0,
                },
            };
            let sk = $sk(ctx.arg(0));
            if sk.is_null() {
                return 0;
            }
            ended_on($function, Family::$family, sk, &call)
        }
    )*};
}

at_end_of! {
    tcp_sendmsg = "tcp_sendmsg", 3, Send, Tcp, itself;
    tcp_recvmsg = "tcp_recvmsg", 5, Receive, Tcp, itself;
    udp_sendmsg = "udp_sendmsg", 3, Send, Udp, of_ipv4;
    udp_recvmsg = "udp_recvmsg", 5, Receive, Udp, itself;
    udpv6_sendmsg = "udpv6_sendmsg", 3, Send, Udp, itself;
    udpv6_recvmsg = "udpv6_recvmsg", 5, Receive, Udp, itself;
    unix_stream_sendmsg = "unix_stream_sendmsg", 3, Send, Unix, of_file;
    unix_stream_recvmsg = "unix_stream_recvmsg", 4, Receive, Unix, of_file;
    unix_dgram_sendmsg = "unix_dgram_sendmsg", 3, Send, Unix, of_datagrams;
    unix_dgram_recvmsg = "unix_dgram_recvmsg", 4, Receive, Unix, of_datagrams;
    unix_seqpacket_sendmsg = "unix_seqpacket_sendmsg", 3, Send, Unix, of_packets;
    unix_seqpacket_recvmsg = "unix_seqpacket_recvmsg", 4, Receive, Unix, of_packets;
}

#[inline(always)]
pub(crate) const fn itself(sk: *const c_void) -> *const c_void {
    sk
}

/// To a mapped address an IPv6 socket sends by IPv4's function, within its own.
#[inline(always)]
pub(crate) fn of_ipv4(sk: *const c_void) -> *const c_void {
    // SAFETY: the function's argument is a socket.
    if unsafe { Socket::new(sk) }.is_ipv6() {
        core::ptr::null()
    } else {
        sk
    }
}

#[inline(always)]
pub(crate) fn of_file(socket: *const c_void) -> *const c_void {
    // SAFETY: the function's argument is a `struct socket`.
    unsafe { SOCKET_SK.follow(socket) }
}

/// `SOCK_SEQPACKET` may end in the datagram functions, as compilers see fit: each counts its own.
#[inline(always)]
pub(crate) fn of_datagrams(socket: *const c_void) -> *const c_void {
    only(of_file(socket), true)
}

#[inline(always)]
pub(crate) fn of_packets(socket: *const c_void) -> *const c_void {
    only(of_file(socket), false)
}

#[inline(always)]
fn only(sk: *const c_void, datagrams: bool) -> *const c_void {
    // SAFETY: a socket, as the function's own.
    if !sk.is_null() && unsafe { Socket::new(sk) }.is_datagram() == datagrams {
        sk
    } else {
        core::ptr::null()
    }
}
