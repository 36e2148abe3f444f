//! A message on its way into the ring.

use core::ffi::c_void;

use aya_ebpf::{
    Global,
    btf_maps::RingBuf,
    helpers::{bpf_get_current_pid_tgid, bpf_ktime_get_ns, generated::bpf_probe_read_user},
    macros::btf_map,
};
use probe_ebpf::{
    flow::PATH_WORDS,
    loss::Loss,
    message::{MAX_PIECES, Message},
};

use crate::{
    datagram::Peer,
    kernel::Process,
    unix,
    user_memory::{self, UserMemory},
    wanted,
};

/// Messages on their way to user space, which sets its size; when it is full, new ones are dropped and
/// counted. A page while nobody asks for messages.
#[btf_map]
static MESSAGES: RingBuf<Message, 4096> = RingBuf::new();

/// Bytes of payload to keep of a call.
#[unsafe(no_mangle)]
static SNAPLEN: Global<u32> = Global::new(0);

/// Which way a filter wants them to go: a `DIRECTION_` constant, 0 for either.
#[unsafe(no_mangle)]
static WANTED_DIRECTION: Global<u32> = Global::new(0);

/// What is known of a call: all that takes decisions, which would be walked through for each size of a
/// record.
pub(crate) struct Said {
    pub(crate) netns: u32,
    pub(crate) local: [u8; 16],
    /// The `struct unix_address` that is listened on; null if there is none.
    pub(crate) listener: *const c_void,
    pub(crate) peer_pid: u32,
    pub(crate) direction: u8,
    pub(crate) length: u32,
    pub(crate) protocol: u8,
    /// The socket's own, 0 of a unix socket.
    pub(crate) port: u16,
    /// Nobody, of a unix socket.
    pub(crate) peer: Peer,
    pub(crate) process: Process,
    pub(crate) memory: UserMemory,
}

/// A record with room for so much payload.
#[repr(C)]
struct Slot<const ROOM: usize> {
    message: Message,
    payload: [u8; ROOM],
}

impl Said {
    /// Whether a filter may let it pass. What was not asked for the verifier knows, and leaves out.
    #[inline(always)]
    pub(crate) fn is_wanted(&self) -> bool {
        let way = WANTED_DIRECTION.load();
        (way == 0 || way == u32::from(self.direction))
            && wanted::is(
                self.process.pid,
                (self.local, self.port),
                (self.peer.address, self.peer.port),
            )
    }

    /// Records come in a few sizes, as the verifier wants to know them; what is not filled costs
    /// room in the ring, and no time.
    #[inline(always)]
    pub(crate) fn submit(&self) -> Result<(), Loss> {
        let (length, snaplen) = (u64::from(self.length), u64::from(SNAPLEN.load()));
        let wanted = if length < snaplen { length } else { snaplen };
        if self.memory.pieces {
            // "invalid access to mem": it does not see that where a piece begins and how long it is
            // add up to no more than there is. So each may be half of it.
            return if wanted <= 2048 {
                self.pieces::<2048, 4096>(wanted)
            } else {
                self.pieces::<65_536, 131_072>(wanted)
            };
        }
        let count = self.memory.count;
        let wanted = if wanted < count { wanted } else { count };
        if wanted < 256 {
            self.whole::<256>(wanted)
        } else if wanted < 2048 {
            self.whole::<2048>(wanted)
        } else if wanted < 16_384 {
            self.whole::<16_384>(wanted)
        } else {
            self.whole::<131_072>(wanted)
        }
    }

    /// Bytes that lie together, less than `ROOM`: a power of two.
    #[inline(always)]
    fn whole<const ROOM: usize>(&self, wanted: u64) -> Result<(), Loss> {
        record::<ROOM>(|slot| {
            // SAFETY: the record is ours to fill.
            unsafe { self.fill(&raw mut (*slot).message) };
            // "outside of the allowed memory range": 6.1 forgets the bound of what is on the stack.
            let wanted = masked(wanted, ROOM as u64 - 1);
            // SAFETY: there is room; the helper checks the source.
            let failed = unsafe {
                let to = (&raw mut (*slot).payload).cast();
                bpf_probe_read_user(to, wanted as u32, self.memory.base as *const c_void)
            };
            if failed == 0 { wanted } else { 0 }
        })
    }

    /// Bytes in several pieces, no more than `HALF` of them: a power of two.
    #[inline(always)]
    fn pieces<const HALF: usize, const ROOM: usize>(&self, wanted: u64) -> Result<(), Loss> {
        record::<ROOM>(|slot| {
            // SAFETY: the record is ours to fill.
            unsafe { self.fill(&raw mut (*slot).message) };
            let (mut captured, mut index) = (0_u64, 0_u64);
            while index < MAX_PIECES && index < self.memory.count && captured < wanted {
                let [base, length] = user_memory::piece(self.memory.base, index);
                index += 1;
                if length == 0 {
                    continue;
                }
                let left = wanted - captured;
                let length = if length < left { length } else { left };
                // "BPF program is too large": the same bounds each time round, that it is seen that
                // nothing new is to be looked at. Neither mask changes anything.
                let mask = HALF as u64 - 1;
                let place = masked(captured, mask);
                let length = masked(length - 1, mask) + 1;
                // SAFETY: there is room; the helper checks the source.
                let failed = unsafe {
                    let to = (&raw mut (*slot).payload).byte_add(place as usize).cast();
                    bpf_probe_read_user(to, length as u32, base as *const c_void)
                };
                if failed != 0 {
                    break;
                }
                captured = place + length;
            }
            captured
        })
    }

    /// # Safety
    ///
    /// `to` is valid.
    #[inline(always)]
    unsafe fn fill(&self, to: *mut Message) {
        // SAFETY: by the caller's promise; the helpers have no preconditions.
        unsafe {
            (*to).time = bpf_ktime_get_ns();
            (*to).cgroup = self.process.cgroup;
            (*to).local = self.local;
            (*to).remote = self.peer.address;
            (*to).comm = self.process.comm;
            (*to).length = self.length;
            (*to).pid = self.process.pid;
            (*to).thread = bpf_get_current_pid_tgid() as u32;
            (*to).peer_pid = self.peer_pid;
            (*to).netns = self.netns;
            (*to).call = self.memory.call;
            (*to).fd = self.memory.fd;
            (*to).local_port = self.port;
            (*to).remote_port = self.peer.port;
            (*to).protocol = self.protocol;
            (*to).direction = self.direction;
            (*to).path_length = 0;
            (*to).pad = 0;
            if !self.listener.is_null() {
                let path = (&raw mut (*to).path).cast::<[u64; PATH_WORDS]>();
                (*to).path_length = unix::copy_path(self.listener, path) as u8;
            }
        }
    }
}

/// Reserves a record, lets `fill` fill it and say how much payload it has, and hands it to user space.
#[inline(always)]
fn record<const ROOM: usize>(fill: impl FnOnce(*mut Slot<ROOM>) -> u64) -> Result<(), Loss> {
    let entry = MESSAGES.reserve_untyped::<Slot<ROOM>>(0);
    let mut entry = entry.ok_or(Loss::MessagesFull)?;
    let slot = entry.as_mut_ptr();
    let captured = fill(slot);
    // SAFETY: the record is ours to fill.
    unsafe { (*slot).message.captured = captured as u32 };
    entry.submit(0);
    Ok(())
}

/// What the verifier takes for a bound: the compiler, which knows of one already, would leave it out.
#[inline(always)]
fn masked(mut value: u64, mask: u64) -> u64 {
    // SAFETY: an instruction on registers.
    unsafe {
        core::arch::asm!(
            "{value} &= {mask}",
            value = inout(reg) value,
            mask = in(reg) mask,
            options(pure, nomem, nostack),
        );
    }
    value
}
