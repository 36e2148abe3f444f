//! What the programs remember of each socket: in a table of our own, or in `sk_storage`.
//!
//! A TCP socket's bytes are read off its own sequence numbers, which the kernel keeps anyway: exact
//! whatever call moved them, `splice` and `io_uring` included, at no cost a call. Only the calls
//! themselves are counted where they are made. The flow gets both once a tick, when the
//! connection is shut and when the socket goes.
//!
//! A unix socket's memory holds its flow only: nothing tells when it goes, so what it counts goes to
//! the flow at once.

mod meter;
pub(crate) mod table;
mod telling;

use aya_ebpf::{bindings::BPF_F_NO_PREALLOC, macros::btf_map};
use probe_ebpf::{
    flow::{COMM_LEN, FlowCounters},
    half::Half,
    loss::Loss,
    sequence::widened,
};

use crate::{
    atomic::add,
    flows::{self, Flow},
    kernel::Address,
    listeners::Owner,
    socket::Position,
    storage::SocketStorage,
};
use meter::Meter;

/// A socket's memory. A listener's holds its owner only.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    // What a silent socket is known by comes first: with the 8 bytes that are before it, in the table
    // and in storage, it is one cache line.
    /// One of the `STAGE_` constants.
    pub(crate) stage: u16,
    /// Ticks that have found nothing to tell, one after the other.
    quiet: u16,
    /// The [`Position::mark`] of when the flow was told last.
    mark: u32,
    sent: Meter,
    received: Meter,
    /// What the flow has not been told yet.
    pub(crate) pending: Pending,
    /// The flow that the socket's traffic counts for, 0 for none.
    pub(crate) flow: u64,
    /// A listener's own flow, 0 for none.
    pub(crate) listening: u64,
    /// When the connection was asked for, and from when it stands on, since when: `bpf_ktime_get_ns`.
    pub(crate) since: u64,
    /// Retransmissions, or of a listener overflows, that the flow has been told of.
    told: u64,
    /// The first sequence numbers of the connection: as long as the socket's counters agree with
    /// them, it is still the same connection.
    origin: Half,
    /// The command that called `connect` or `listen`.
    pub(crate) comm: [u8; COMM_LEN],
    /// Its thread group id, 0 when not known.
    pub(crate) pid: u32,
    /// 1 for the end that called `connect`: its SYN took a sequence number.
    active: u32,
    /// The sequence number after the last byte sent, once nothing more can be.
    shut_at: u32,
}

/// Not connected, or not any more.
pub(crate) const STAGE_IDLE: u16 = 0;
/// `connect` was called.
pub(crate) const STAGE_CONNECTING: u16 = 1;
/// The connection stands.
pub(crate) const STAGE_OPEN: u16 = 2;
/// It stands, but nothing more can be sent: what follows in sequence is the FIN.
pub(crate) const STAGE_SHUT: u16 = 3;
/// It listens.
pub(crate) const STAGE_LISTENING: u16 = 4;
/// It is a unix socket.
pub(crate) const STAGE_UNIX: u16 = 5;

/// Events and calls, counted where they happen.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Pending {
    pub(crate) opened: u64,
    pub(crate) sends: u64,
    pub(crate) receives: u64,
    pub(crate) closed: u64,
    pub(crate) failed: u64,
    pub(crate) connect_ns: u64,
    pub(crate) lifetime_ns: u64,
}

impl Pending {
    /// Whether anything was counted for a connection that stands: it was opened after whatever closed
    /// or failed before it.
    #[inline(always)]
    const fn any_while_open(&self) -> bool {
        self.opened | self.sends | self.receives != 0
    }
}

/// One entry a socket that has no slot in the table, freed with it; its memory is charged to the
/// socket, its number bounded by the sockets there are.
#[btf_map]
pub(crate) static SOCKETS: SocketStorage<Memory, { BPF_F_NO_PREALLOC as usize }> =
    SocketStorage::new();

/// What is remembered of a live socket.
#[derive(Clone, Copy)]
pub(crate) struct Entry(*mut Memory);

impl Entry {
    /// # Safety
    ///
    /// `memory` is live, in [`SOCKETS`] or the [`table`], and stays so while the program runs.
    #[inline(always)]
    pub(crate) const unsafe fn new(memory: *mut Memory) -> Self {
        Self(memory)
    }

    /// The entry itself; valid while the program runs.
    #[inline(always)]
    pub(crate) const fn as_ptr(self) -> *mut Memory {
        self.0
    }

    /// From now on the socket's traffic counts for `flow`.
    #[inline(always)]
    pub(crate) fn join(self, flow: Flow, stage: u16) {
        let counters = flow.counters;
        // SAFETY: a live entry, by `new`, and a live map value.
        unsafe {
            (*self.0).flow = flow.id;
            (*self.0).stage = stage;
            (*counters).last_pid = (*self.0).pid;
            add(&raw mut (*counters).attached, 1);
        }
    }

    /// `connect` was called. Its SYN may be sent again: what the flow has been told of starts here.
    #[inline(always)]
    pub(crate) fn connect(self, flow: Flow) {
        // SAFETY: a live entry, by `new`.
        unsafe { (*self.0).told = 0 };
        self.join(flow, STAGE_CONNECTING);
    }

    /// From now on it counts for none; its flow has all it counted.
    #[inline(always)]
    pub(crate) fn leave(self) -> Result<(), Loss> {
        let Some(counters) = self.take_flow()? else {
            return Ok(());
        };
        // SAFETY: a live entry, by `new`, and a live map value.
        unsafe {
            // Who leaves while the connection stands is not who had it: its end was missed.
            if matches!((*self.0).stage, STAGE_OPEN | STAGE_SHUT) {
                add(&raw mut (*self.0).pending.closed, 1);
            }
            self.tell_events(counters);
            add(&raw mut (*counters).detached, 1);
        }
        Ok(())
    }

    /// The same for a socket that is gone: its flow has all that it moved, too.
    #[inline(always)]
    pub(crate) fn end(self, position: impl FnOnce() -> Option<Position>) -> Result<(), Loss> {
        let Some(counters) = self.take_flow()? else {
            return Ok(());
        };
        self.tell_to(counters, position);
        // SAFETY: a live map value.
        unsafe { add(&raw mut (*counters).detached, 1) };
        Ok(())
    }

    /// The counters of the flow that it counted for, if it did.
    #[inline(always)]
    fn take_flow(self) -> Result<Option<*mut FlowCounters>, Loss> {
        // SAFETY: a live entry, by `new`.
        let flow = unsafe { core::mem::replace(&mut (*self.0).flow, 0) };
        if flow == 0 {
            return Ok(None);
        }
        flows::counters(flow).ok_or(Loss::CountersGone).map(Some)
    }

    /// The connection stands as of `origin`; bytes count from there on.
    #[inline(always)]
    pub(crate) fn begin(self, active: bool, origin: Half, position: &Position) {
        // SAFETY: a live entry, by `new`.
        unsafe {
            (*self.0).active = u32::from(active);
            if (*self.0).stage != STAGE_CONNECTING {
                (*self.0).told = 0;
            }
            (*self.0).origin = origin;
            (*self.0).shut_at = position.sent;
            (*self.0).quiet = 0;
            (*self.0).mark = position.mark();
            (*self.0).sent = Meter::from(origin.first_sent.into());
            (*self.0).received = Meter::from(origin.first_received.into());
        }
    }

    /// The same for a connection that stood before: bytes count from now on.
    #[inline(always)]
    pub(crate) fn resume(self, active: bool, origin: Half, position: &Position) {
        self.begin(active, origin, position);
        // SAFETY: a live entry, by `new`.
        unsafe {
            (*self.0).told = position.retransmits.into();
            let sent = widened(origin.first_sent, position.sent, position.sent_wide);
            (*self.0).sent = Meter::from(sent);
            let (first, wide) = (origin.first_received, position.received_wide);
            (*self.0).received = Meter::from(widened(first, position.received, wide));
        }
    }

    /// Nothing more can be sent: what follows in sequence is the FIN.
    #[inline(always)]
    pub(crate) fn shut(self, written: u32) {
        // SAFETY: a live entry, by `new`. In this order: the tick may look between the two.
        unsafe {
            (&raw mut (*self.0).shut_at).write_volatile(written);
            (&raw mut (*self.0).stage).write_volatile(STAGE_SHUT);
        }
    }

    /// Bytes that send calls took since the connection was made, also before the probe came. To be
    /// asked while it stands.
    #[inline(always)]
    pub(crate) fn sent(self, position: &Position) -> u64 {
        // SAFETY: a live entry, by `new`.
        let (first, sequence) = unsafe {
            let sequence = match (*self.0).stage {
                STAGE_SHUT => (*self.0).shut_at,
                _ => position.sent,
            };
            ((*self.0).origin.first_sent, sequence)
        };
        widened(first, sequence, position.sent_wide).saturating_sub(first.into())
    }

    /// The same of receive calls; `None` when a disconnect has started the counters anew.
    #[inline(always)]
    pub(crate) fn received(self, position: &Position) -> Option<u64> {
        // SAFETY: a live entry, by `new`.
        let (first, active) = unsafe { ((*self.0).origin.first_received, (*self.0).active != 0) };
        let received = widened(first, position.received, position.received_wide);
        (position.origin(active).first_received == first)
            .then(|| received.saturating_sub(first.into()))
    }

    /// Whether it is the end that called `connect`.
    #[inline(always)]
    pub(crate) fn is_active(self) -> bool {
        // SAFETY: a live entry, by `new`.
        unsafe { (*self.0).active != 0 }
    }

    /// Whether `connect` was called and has not been answered, as it is at this moment.
    #[inline(always)]
    pub(crate) fn is_connecting(self) -> bool {
        // SAFETY: a live entry, by `new`.
        unsafe { (&raw const (*self.0).stage).read_volatile() == STAGE_CONNECTING }
    }

    /// A connection was accepted, whose memory is new. If it is not, the end of another socket at the
    /// same address was missed.
    #[inline(always)]
    pub(crate) fn accept(self, owner: &Owner) -> Result<(), Loss> {
        self.leave()?;
        // SAFETY: a live entry, by `new`.
        unsafe {
            (*self.0).comm = owner.comm;
            (*self.0).pid = owner.pid;
        }
        Ok(())
    }

    /// From now on the socket listens for `flow`, and tells it of what is yet to come.
    #[inline(always)]
    pub(crate) fn listen(self, socket: Address, flow: u64) {
        // SAFETY: a live entry, by `new`.
        unsafe {
            (*self.0).told = socket.drops().into();
            (*self.0).listening = flow;
        }
    }

    /// From now on the socket does not listen any more.
    #[inline(always)]
    pub(crate) fn stop_listening(self, socket: Address) -> Result<(), Loss> {
        self.tell_overflows(socket)?;
        // SAFETY: a live entry, by `new`.
        let flow = unsafe { core::mem::replace(&mut (*self.0).listening, 0) };
        if flow == 0 {
            return Ok(());
        }
        let counters = flows::counters(flow).ok_or(Loss::CountersGone)?;
        // SAFETY: a live map value.
        unsafe { add(&raw mut (*counters).detached, 1) };
        Ok(())
    }
}
