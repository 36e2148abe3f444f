//! A message on its way into the ring.

use core::{ffi::c_void, mem::size_of};

use aya_ebpf::{
    Global,
    btf_maps::RingBuf,
    helpers::{
        bpf_get_current_pid_tgid, bpf_ktime_get_ns,
        generated::{bpf_probe_read_kernel, bpf_probe_read_user},
    },
    macros::btf_map,
};
use probe_ebpf::{
    file::FilePath,
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

/// As above.
#[unsafe(no_mangle)]
static WANTED_PROTOCOL: Global<u32> = Global::new(0);

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

/// A record with room for so much payload, and before it for what else there is to say.
#[repr(C)]
struct Slot<Else, const ROOM: usize> {
    message: Message,
    other: Else,
    payload: [u8; ROOM],
}

impl Said {
    /// Whether a filter may let it pass. What was not asked for the verifier knows, and leaves out.
    #[inline(always)]
    pub(crate) fn is_wanted(&self) -> bool {
        let (way, protocol) = (WANTED_DIRECTION.load(), WANTED_PROTOCOL.load());
        (way == 0 || way == u32::from(self.direction))
            && (protocol == 0 || protocol == u32::from(self.protocol))
            && wanted::is(
                self.process.cgroup,
                self.process.pid,
                (self.local, self.port),
                (self.peer.address, self.peer.port),
            )
    }

    /// About a socket.
    #[inline(always)]
    pub(crate) fn submit(&self) -> Result<(), Loss> {
        self.submit_with(|_: *mut ()| ())
    }

    /// About a file.
    #[inline(always)]
    pub(crate) fn submit_about(&self, path: *const FilePath) -> Result<(), Loss> {
        self.submit_with(|to| copy(path, to))
    }

    /// Records come in a few sizes, as the verifier wants to know them; what is not filled costs
    /// room in the ring, and no time.
    #[inline(always)]
    fn submit_with<Else: 'static>(&self, other: impl Fn(*mut Else)) -> Result<(), Loss> {
        let (length, snaplen) = (u64::from(self.length), u64::from(SNAPLEN.load()));
        let wanted = if length < snaplen { length } else { snaplen };
        if self.memory.pieces {
            // "invalid access to mem": it does not see that where a piece begins and how long it is
            // add up to no more than there is. So each may be half of it.
            return if wanted <= 2048 {
                self.pieces::<Else, 2048, 4096>(wanted, other)
            } else {
                self.pieces::<Else, 65_536, 131_072>(wanted, other)
            };
        }
        let count = self.memory.count;
        let wanted = if wanted < count { wanted } else { count };
        if wanted < 256 {
            self.whole::<Else, 256>(wanted, other)
        } else if wanted < 2048 {
            self.whole::<Else, 2048>(wanted, other)
        } else if wanted < 16_384 {
            self.whole::<Else, 16_384>(wanted, other)
        } else {
            self.whole::<Else, 131_072>(wanted, other)
        }
    }

    /// Bytes that lie together, less than `ROOM`: a power of two.
    #[inline(always)]
    fn whole<Else: 'static, const ROOM: usize>(
        &self,
        wanted: u64,
        other: impl Fn(*mut Else),
    ) -> Result<(), Loss> {
        self.record::<Else, ROOM>(|slot| {
            // SAFETY: the record is ours to fill.
            other(unsafe { &raw mut (*slot).other });
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
    fn pieces<Else: 'static, const HALF: usize, const ROOM: usize>(
        &self,
        wanted: u64,
        other: impl Fn(*mut Else),
    ) -> Result<(), Loss> {
        self.record::<Else, ROOM>(|slot| {
            // SAFETY: the record is ours to fill.
            other(unsafe { &raw mut (*slot).other });
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

    /// Reserves a record, lets `fill` fill it and say how much payload it has, and hands it to user
    /// space.
    #[inline(always)]
    fn record<Else: 'static, const ROOM: usize>(
        &self,
        fill: impl FnOnce(*mut Slot<Else, ROOM>) -> u64,
    ) -> Result<(), Loss> {
        let entry = MESSAGES.reserve_untyped::<Slot<Else, ROOM>>(0);
        let mut entry = entry.ok_or(Loss::MessagesFull)?;
        let slot = entry.as_mut_ptr();
        // SAFETY: the record is ours to fill.
        unsafe { self.fill(&raw mut (*slot).message) };
        let captured = fill(slot);
        // SAFETY: as above.
        unsafe { (*slot).message.captured = captured as u32 };
        entry.submit(0);
        Ok(())
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

/// Copies a path, whole: how much of it means something the verifier need not know.
#[inline(always)]
fn copy(path: *const FilePath, to: *mut FilePath) {
    // SAFETY: both are a whole one; the source is a map's value, which is always there.
    unsafe { bpf_probe_read_kernel(to.cast(), size_of::<FilePath>() as u32, path.cast()) };
}

/// What the verifier takes for a bound: the compiler, which knows of one already, would leave it out.
#[inline(always)]
pub(crate) fn masked(mut value: u64, mask: u64) -> u64 {
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
