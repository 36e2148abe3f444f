//! How far a connection has come, by the kernel's own numbers.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_skc_to_tcp_sock;
use probe_ebpf::half::Half;

use super::{SOCK_DONE, Socket};
use crate::kernel::{
    SK_FLAGS, TCP_BYTES_ACKED, TCP_BYTES_RECEIVED, TCP_COPIED_SEQ, TCP_RCV_NXT, TCP_RETRANSMITS,
    TCP_RTT_MIN, TCP_SEGMENTS, TCP_SND_UNA, TCP_SRTT, TCP_WRITE_SEQ,
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

    /// Whether a connection has come further since it was at sequence number `sent` and this
    /// [`Position::mark`]. Of most the answer is no, and their memory is in no cache. So one line of
    /// it is read, and by address, for a typed pointer takes two lines more.
    ///
    /// # Safety
    ///
    /// It is a TCP socket.
    #[inline(always)]
    pub(crate) unsafe fn has_moved(self, sent: u32, mark: u32) -> bool {
        let tcp = self.0 as u64;
        TCP_WRITE_SEQ.read_at(tcp) != sent || TCP_SEGMENTS.read_at(tcp) != mark
    }

    /// How far the connection has come; `None` if it is no TCP socket.
    #[inline(always)]
    pub(crate) fn position(self) -> Option<Position> {
        let tcp = self.tcp()?;
        // Segments before what they acknowledge: what comes in between is seen next time.
        // SAFETY: the helper vouches for the type, `new` for the socket.
        let (segments, rtt, rtt_min, retransmits) = unsafe {
            (
                TCP_SEGMENTS.read(tcp),
                TCP_SRTT.read(tcp),
                TCP_RTT_MIN.read(tcp),
                TCP_RETRANSMITS.read(tcp),
            )
        };
        // SAFETY: as above.
        let (snd_una, rcv_nxt, written, copied, acked, received_wide, flags) = unsafe {
            (
                TCP_SND_UNA.read(tcp),
                TCP_RCV_NXT.read(tcp),
                TCP_WRITE_SEQ.read(tcp),
                TCP_COPIED_SEQ.read(tcp),
                TCP_BYTES_ACKED.read(tcp),
                TCP_BYTES_RECEIVED.read(tcp),
                SK_FLAGS.read(self.0),
            )
        };
        // A program that has seen the end of the stream has read past the FIN.
        let past_fin = flags & SOCK_DONE != 0 && copied == rcv_nxt;
        Some(Position {
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
        })
    }

    /// Whether what it has received waits to be read, if only the FIN.
    #[inline(always)]
    pub(crate) fn has_unread(self) -> bool {
        // SAFETY: the helper vouches for the type.
        self.tcp()
            .is_some_and(|tcp| unsafe { TCP_COPIED_SEQ.read(tcp) != TCP_RCV_NXT.read(tcp) })
    }
}
