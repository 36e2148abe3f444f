//! The same messages on kernels without [`crate::traffic`]'s tracepoints: see [`crate::payload_exit`].

use aya_ebpf::{macros::fexit, programs::FExitContext};

use crate::{
    call::{Call, Direction},
    payload::{MSG_ERRQUEUE, MSG_PEEK},
    payload_exit::{itself, of_datagrams, of_file, of_ipv4, of_packets},
    traffic::moved,
};

/// As the macro of the same name there, with names of its own.
macro_rules! at_end_of {
    ($($name:ident = $function:literal, $arguments:literal, $direction:ident, $sk:ident;)*) => {$(
        #[doc = concat!("`", $function, "`, in 5.19 to 6.2.")]
        #[fexit(function = $function)]
        fn $name(ctx: FExitContext) -> i32 {
            let direction = Direction::$direction;
            let flags = match direction {
                Direction::Send => 0,
                Direction::Receive => ctx.arg::<i32>(3),
            };
            let call = Call {
                direction,
                returned: ctx.arg($arguments),
                moves: flags & (MSG_PEEK | MSG_ERRQUEUE) == 0,
            };
            let sk = $sk(ctx.arg(0));
            if sk.is_null() {
                return 0;
            }
            moved($function, sk, &call, flags)
        }
    )*};
}

at_end_of! {
    traffic_tcp_sendmsg = "tcp_sendmsg", 3, Send, itself;
    traffic_tcp_recvmsg = "tcp_recvmsg", 5, Receive, itself;
    traffic_udp_sendmsg = "udp_sendmsg", 3, Send, of_ipv4;
    traffic_udp_recvmsg = "udp_recvmsg", 5, Receive, itself;
    traffic_udpv6_sendmsg = "udpv6_sendmsg", 3, Send, itself;
    traffic_udpv6_recvmsg = "udpv6_recvmsg", 5, Receive, itself;
    traffic_unix_stream_sendmsg = "unix_stream_sendmsg", 3, Send, of_file;
    traffic_unix_stream_recvmsg = "unix_stream_recvmsg", 4, Receive, of_file;
    traffic_unix_dgram_sendmsg = "unix_dgram_sendmsg", 3, Send, of_datagrams;
    traffic_unix_dgram_recvmsg = "unix_dgram_recvmsg", 4, Receive, of_datagrams;
    traffic_unix_seqpacket_sendmsg = "unix_seqpacket_sendmsg", 3, Send, of_packets;
    traffic_unix_seqpacket_recvmsg = "unix_seqpacket_recvmsg", 4, Receive, of_packets;
}
