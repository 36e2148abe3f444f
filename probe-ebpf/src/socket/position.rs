//! How far a connection has come, by the kernel's own numbers.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_skc_to_tcp_sock;
use probe_ebpf::half::Half;

use super::{SOCK_DONE, Socket};
use crate::{
    call::{Call, Direction},
    kernel::{
        Address, Place, SK_DROPS, SK_FLAGS, SK_STATE, TCP_BYTES_ACKED, TCP_BYTES_RECEIVED,
        TCP_COPIED_SEQ, TCP_RCV_NXT, TCP_RETRANSMITS, TCP_RTT_MIN, TCP_SEGMENTS, TCP_SND_UNA,
        TCP_SRTT, TCP_WRITE_SEQ, Typed,
    },
};

/// How far a connection's two byte streams have come, as its programs see them.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    /// The sequence number after the last byte that a send call took, or after the FIN.
    pub(crate) sent: u32,
    /// The sequence number after the last byte that a receive call gave.
    pub(crate) received: u32,
    /// Bytes sent as the kernel counts them, SYN and FIN included: within a window of the truth.
    pub(crate) sent_wide: u64,
    /// Bytes received as the kernel counts them, read by a program or not, FIN included.
    pub(crate) received_wide: u64,
    /// Segments sent again.
    pub(crate) retransmits: u32,
    /// The smoothed round trip time, in microseconds; 0 before the first.
    pub(crate) rtt_us: u32,
    /// The least of late, in microseconds; 0 before the first.
    pub(crate) rtt_min_us: u32,
    segments: u32,
    copied: u32,
    snd_una: u32,
    rcv_nxt: u32,
    acked: u64,
}

impl Position {
    /// As a TCP socket has it; as a `struct tcp_sock` and as a `struct sock`, which begin alike.
    #[inline(always)]
    pub(crate) fn read(tcp: impl Place, sock: impl Place) -> Self {
        // Segments before what they acknowledge: what comes in between is seen next time.
        let segments = tcp.read(&TCP_SEGMENTS);
        let (rtt, rtt_min) = (tcp.read(&TCP_SRTT), tcp.read(&TCP_RTT_MIN));
        let retransmits = tcp.read(&TCP_RETRANSMITS);
        let (snd_una, rcv_nxt) = (tcp.read(&TCP_SND_UNA), tcp.read(&TCP_RCV_NXT));
        let (written, copied) = (tcp.read(&TCP_WRITE_SEQ), tcp.read(&TCP_COPIED_SEQ));
        let acked = tcp.read(&TCP_BYTES_ACKED);
        let received_wide = tcp.read(&TCP_BYTES_RECEIVED);
        // A program that has seen the end of the stream has read past the FIN.
        let past_fin = sock.read(&SK_FLAGS) & SOCK_DONE != 0 && copied == rcv_nxt;
        Self {
            sent: written,
            received: copied.wrapping_sub(u32::from(past_fin)),
            sent_wide: acked.wrapping_add(u64::from(written.wrapping_sub(snd_una))),
            received_wide,
            retransmits,
            // The kernel keeps eight times the time, and all ones for none yet.
            rtt_us: rtt >> 3,
            rtt_min_us: if rtt_min == u32::MAX { 0 } else { rtt_min },
            segments,
            copied,
            snd_una,
            rcv_nxt,
            acked,
        }
    }

    /// The connection's first sequence numbers, also for one that is long established: what was
    /// acknowledged and received is known in full. `bytes_acked` counts the SYN of the end that
    /// sent it first.
    #[inline(always)]
    pub(crate) fn origin(&self, active: bool) -> Half {
        Half {
            first_sent: self
                .snd_una
                .wrapping_sub(self.acked as u32)
                .wrapping_add(u32::from(active)),
            first_received: self.rcv_nxt.wrapping_sub(self.received_wide as u32),
        }
    }

    /// As it was before a call that has ended.
    #[inline(always)]
    pub(crate) fn before(self, call: Call) -> Self {
        let moved = call.returned.cast_unsigned();
        match call.direction {
            Direction::Send => Self {
                sent: self.sent.wrapping_sub(moved),
                ..self
            },
            Direction::Receive => Self {
                received: self.received.wrapping_sub(moved),
                ..self
            },
        }
    }

    /// Whether nothing has moved since `origin`.
    #[inline(always)]
    pub(crate) fn is_at(&self, origin: Half) -> bool {
        self.sent == origin.first_sent && self.received == origin.first_received
    }

    /// A number that has changed once more was received, or sent again. Both take a segment: what comes
    /// is acknowledged, if only a moment after it was read. What has come and waits is read without
    /// one; as long as it waits, the number is none that the socket will have.
    #[inline(always)]
    pub(crate) fn mark(&self) -> u32 {
        let waits = self.copied != self.rcv_nxt;
        self.segments.wrapping_sub(u32::from(waits))
    }
}

impl Socket {
    /// The `struct tcp_sock *`, as the verifier knows it; `None` if it is none.
    #[inline(always)]
    pub(super) fn tcp(self) -> Option<*const c_void> {
        // SAFETY: a socket, by `new`.
        let tcp: *const c_void = unsafe { bpf_skc_to_tcp_sock(self.0.cast_mut()) }.cast();
        (!tcp.is_null()).then_some(tcp)
    }

    /// The sequence number after the last byte that a send call took; 0 if it is no TCP socket.
    #[inline(always)]
    pub(crate) fn written(self) -> u32 {
        // SAFETY: the helper vouches for the type.
        self.tcp()
            .map_or(0, |tcp| unsafe { TCP_WRITE_SEQ.read(tcp) })
    }

    /// How far the connection has come; `None` if it is no TCP socket.
    #[inline(always)]
    pub(crate) fn position(self) -> Option<Position> {
        let tcp = self.tcp()?;
        // SAFETY: the helper vouches for the type, `new` for the socket.
        Some(unsafe { Position::read(Typed::new(tcp), Typed::new(self.0)) })
    }

    /// Whether what it has received waits to be read, if only the FIN.
    #[inline(always)]
    pub(crate) fn has_unread(self) -> bool {
        // SAFETY: the helper vouches for the type.
        self.tcp()
            .is_some_and(|tcp| unsafe { TCP_COPIED_SEQ.read(tcp) != TCP_RCV_NXT.read(tcp) })
    }
}

impl Address {
    /// Whether the connection of a TCP socket has come further since it was at sequence number `sent`
    /// and this [`Position::mark`]. Of most the answer is no, and their memory is in no cache. So one
    /// line of it is read, and by address, for a typed pointer takes two lines more.
    #[inline(always)]
    pub(crate) fn has_moved(self, sent: u32, mark: u32) -> bool {
        self.read(&TCP_WRITE_SEQ) != sent || self.read(&TCP_SEGMENTS) != mark
    }

    /// As [`Socket::state`].
    #[inline(always)]
    pub(crate) fn state(self) -> i32 {
        self.read(&SK_STATE).into()
    }

    /// Of a listener, connections that found the backlog full.
    #[inline(always)]
    pub(crate) fn drops(self) -> u32 {
        self.read(&SK_DROPS)
    }

    /// How far the connection of a TCP socket has come.
    #[inline(always)]
    pub(crate) fn position(self) -> Position {
        Position::read(self, self)
    }
}
