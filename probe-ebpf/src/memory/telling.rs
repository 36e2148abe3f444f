//! What a socket has counted, handed to its flow: nothing twice, whoever else tells at the same moment.

use probe_ebpf::{flow::FlowCounters, loss::Loss, sequence::widened, spread::spread};

use super::{Entry, STAGE_CONNECTING, STAGE_IDLE, STAGE_OPEN, STAGE_SHUT, meter::Meter};
use crate::{
    atomic::{add, compare_swap, take},
    flows,
    kernel::Address,
    socket::Position,
};

/// Ticks after which a silent socket is looked at in its turn only.
const LONG: u16 = 8;
/// How many turns there are.
const TURNS: u64 = 4;

impl Entry {
    /// Whether there may be something to tell: most open sockets are silent. What calls move is told
    /// at once. What moves without, as by `splice`, is found at the socket, whose memory is in no
    /// cache: of one that has long been silent it is looked at every few ticks only, of another at
    /// each.
    ///
    /// A segment is counted just before it is counted as sent again: one that is looked at in between
    /// is told of with what moves next.
    #[inline(always)]
    pub(crate) fn has_news(self, socket: Address) -> bool {
        let memory = self.0;
        // SAFETY: a live entry, by `new`; what is open is a TCP connection. Only the tick and who begins
        // a connection touch `quiet`, and nothing depends on it but when.
        unsafe {
            if (*memory).stage != STAGE_OPEN || (*memory).pending.any_while_open() {
                (*memory).quiet = 0;
                return true;
            }
            let quiet = (*memory).quiet.wrapping_add(1);
            (*memory).quiet = quiet;
            // Each in its turn: not all of them at the same tick.
            let turn = u64::from(quiet).wrapping_add(spread(socket.0) >> 32);
            if quiet > LONG && !turn.is_multiple_of(TURNS) {
                return false;
            }
            let moved = socket.has_moved((*memory).sent.next(), (*memory).mark);
            if moved {
                (*memory).quiet = 0;
            }
            moved
        }
    }

    /// Tells the flow all that it has not been told, up to a position that is asked for in its turn.
    #[inline(always)]
    pub(crate) fn tell(self, position: impl FnOnce() -> Option<Position>) -> Result<(), Loss> {
        // SAFETY: a live entry, by `new`.
        let flow = unsafe { (*self.0).flow };
        if flow == 0 {
            return Ok(());
        }
        let counters = flows::counters(flow).ok_or(Loss::CountersGone)?;
        self.tell_to(counters, position);
        Ok(())
    }

    #[inline(always)]
    pub(super) fn tell_to(
        self,
        counters: *mut FlowCounters,
        position: impl FnOnce() -> Option<Position>,
    ) {
        // SAFETY: a live entry, by `new`, and a live map value.
        let stage = unsafe {
            self.tell_events(counters);
            (*self.0).stage
        };
        let Some(position) = position() else {
            return;
        };
        // While `connect` chooses the sequence numbers, one after the other, they say nothing.
        // The stage was read before them: since then it can only have got better.
        if stage != STAGE_CONNECTING && self.tell_bytes(&position, counters) {
            tell_round_trip(&position, counters);
        }
        // SAFETY: a live entry, by `new`.
        unsafe { (*self.0).mark = position.mark() };
        self.tell_growth(position.retransmits, |amount| {
            // SAFETY: a live map value.
            unsafe { add(&raw mut (*counters).retransmits, amount) };
        });
    }

    /// A listener tells its flow how often its backlog had no room.
    #[inline(always)]
    pub(crate) fn tell_overflows(self, socket: Address) -> Result<(), Loss> {
        // SAFETY: a live entry, by `new`.
        let flow = unsafe { (*self.0).listening };
        if flow == 0 {
            return Ok(());
        }
        let counters = flows::counters(flow).ok_or(Loss::CountersGone)?;
        self.tell_growth(socket.drops(), |amount| {
            // SAFETY: a live map value.
            unsafe { add(&raw mut (*counters).overflows, amount) };
        });
        Ok(())
    }

    /// Hands on what a counter of the kernel's has grown by; whoever comes second hands on nothing.
    #[inline(always)]
    fn tell_growth(self, now: u32, tell: impl FnOnce(u64)) {
        // SAFETY: a live entry, by `new`.
        unsafe {
            let told = (*self.0).told;
            let amount = u64::from(now.wrapping_sub(told as u32));
            // Half the range and more is a counter that began anew.
            if amount != 0
                && amount < 1 << 31
                && compare_swap(&raw mut (*self.0).told, told, told + amount) == told
            {
                tell(amount);
            }
        }
    }

    /// Whether any have moved.
    #[inline(always)]
    fn tell_bytes(self, position: &Position, counters: *mut FlowCounters) -> bool {
        let memory = self.0;
        let mut moved = 0;
        // SAFETY: a live entry, by `new`, and a live map value.
        unsafe {
            // A disconnect starts the counters anew; what they say then is no part of this
            // connection.
            let origin = position.origin((*memory).active != 0);
            if origin.first_received == (*memory).origin.first_received {
                let (sequence, wide) = (position.received, position.received_wide);
                let to = widened(origin.first_received, sequence, wide);
                let amount = Meter::advance(&raw mut (*memory).received, to);
                if amount != 0 {
                    add(&raw mut (*counters).bytes_received, amount);
                    moved |= amount;
                }
            }
            // After the last byte comes the FIN, which is none. Looked at after the position: as long
            // as the stage was open then, there was no FIN in it.
            let stage = (&raw const (*memory).stage).read_volatile();
            if stage != STAGE_IDLE && origin.first_sent == (*memory).origin.first_sent {
                let sequence = match stage {
                    STAGE_SHUT => (*memory).shut_at,
                    _ => position.sent,
                };
                let to = widened(origin.first_sent, sequence, position.sent_wide);
                let amount = Meter::advance(&raw mut (*memory).sent, to);
                if amount != 0 {
                    add(&raw mut (*counters).bytes_sent, amount);
                    moved |= amount;
                }
            }
        }
        moved != 0
    }

    /// # Safety
    ///
    /// `counters` is live.
    #[inline(always)]
    pub(super) unsafe fn tell_events(self, counters: *mut FlowCounters) {
        // SAFETY: a live entry, by `new`.
        let pending = unsafe { &raw mut (*self.0).pending };
        macro_rules! hand_over {
            ($($counter:ident)*) => {$(
                // SAFETY: a live entry, by `new`, and the caller's promise. Most are zero: a look
                // is cheaper than a swap. What is added meanwhile stays for next time.
                unsafe {
                    if (*pending).$counter != 0 {
                        add(&raw mut (*counters).$counter, take(&raw mut (*pending).$counter));
                    }
                }
            )*};
        }
        hand_over!(opened closed failed sends receives connect_ns lifetime_ns);
    }
}

/// One sample a connection and tick: what weighs is how many wait, not how much they move.
#[inline(always)]
fn tell_round_trip(position: &Position, counters: *mut FlowCounters) {
    if position.rtt_us == 0 {
        return;
    }
    // SAFETY: a live map value. The least may miss a smaller one of an interrupt's, for one tick.
    unsafe {
        add(&raw mut (*counters).rtt_us, position.rtt_us.into());
        add(&raw mut (*counters).rtt_samples, 1);
        let least = (*counters).rtt_min_us;
        if position.rtt_min_us != 0 && (least == 0 || position.rtt_min_us < least) {
            (*counters).rtt_min_us = position.rtt_min_us;
        }
    }
}
