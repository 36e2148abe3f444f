//! Where the payload of the system call that the current task is in lies in the program's memory.
//!
//! A task's registers are kept as they were when it entered the kernel: which call it is, and its
//! arguments. That serves on every kernel, without a hook where calls begin; the numbers are
//! x86-64's. What another kind of call moves (`sendfile`, `splice`, `io_uring_enter`, one of a
//! 32-bit program) has no place here: it is told of, without its bytes.

use core::ffi::c_void;

use aya_ebpf::{
    btf_maps::LruHashMap,
    helpers::{
        bpf_get_current_task_btf, bpf_probe_read_user,
        generated::{bpf_get_current_task, bpf_task_pt_regs},
    },
    macros::btf_map,
};

use crate::{
    call::Direction,
    kernel::{REGISTER_BUFFER, REGISTER_CALL, REGISTER_COUNT, REGISTER_FD, TASK_STATUS},
};

pub(crate) const READ: i32 = 0;
pub(crate) const WRITE: i32 = 1;
pub(crate) const PREAD64: i32 = 17;
pub(crate) const PWRITE64: i32 = 18;
pub(crate) const READV: i32 = 19;
pub(crate) const WRITEV: i32 = 20;
const SENDTO: i32 = 44;
const RECVFROM: i32 = 45;
const SENDMSG: i32 = 46;
const RECVMSG: i32 = 47;
pub(crate) const PREADV: i32 = 295;
pub(crate) const PWRITEV: i32 = 296;
const RECVMMSG: i32 = 299;
const SENDMMSG: i32 = 307;
pub(crate) const PREADV2: i32 = 327;
pub(crate) const PWRITEV2: i32 = 328;

/// `TS_COMPAT` of `thread_info.status`: a 32-bit call, whose numbers and structures are others.
pub(crate) const COMPAT: u32 = 2;

/// `struct mmsghdr`: a `struct msghdr` of 56 bytes and a length, padded.
const MMSGHDR_LEN: u64 = 64;
/// The place of `msg_iov` in `struct user_msghdr`; `msg_iovlen` follows.
const MSG_IOV: u64 = 16;
/// `struct iovec`: an address and a length.
const IOVEC_LEN: u64 = 16;

/// The call and where its bytes are.
#[derive(Clone, Copy)]
pub(crate) struct UserMemory {
    /// Its number.
    pub(crate) call: i32,
    /// Its first argument.
    pub(crate) fd: i32,
    /// The address of the bytes; of an array of pieces if there are several.
    pub(crate) base: u64,
    /// How many bytes there are room for; how many pieces.
    pub(crate) count: u64,
    /// There are several.
    pub(crate) pieces: bool,
}

/// How far a thread is in a `sendmmsg` or `recvmmsg`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Progress {
    /// The array of messages.
    vector: u64,
    /// Messages that are done.
    done: u64,
}

impl UserMemory {
    /// Of no call.
    pub(crate) const NOTHING: Self = Self {
        call: 0,
        fd: 0,
        base: 0,
        count: 0,
        pieces: false,
    };

    /// The same call, whose bytes are in no memory.
    #[inline(always)]
    pub(crate) const fn nowhere(self) -> Self {
        Self {
            base: 0,
            count: 0,
            pieces: false,
            ..self
        }
    }
}

/// Threads that are in such a call; one that 1,024 others pushed out begins at its first message
/// again.
#[btf_map]
static PROGRESS: LruHashMap<u64, Progress, 1024> = LruHashMap::new();

/// The bytes that the current call is moving in `direction`; with no room when it is none of those
/// that are known.
#[inline(always)]
pub(crate) fn of_current_call(direction: Direction) -> UserMemory {
    of_current_call_at(direction, next_of_several)
}

/// The same by those who do not see each message: of several, the first.
#[inline(always)]
pub(crate) fn of_first(direction: Direction) -> UserMemory {
    of_current_call_at(direction, |_, _| 0)
}

/// `index` tells at which message it is of so many in an array.
#[inline(always)]
fn of_current_call_at(direction: Direction, index: impl FnOnce(u64, u64) -> u64) -> UserMemory {
    // SAFETY: the helpers have no preconditions, and a task has registers.
    let (call, fd, buffer, count, status) = unsafe {
        let task = bpf_get_current_task_btf();
        let registers = bpf_task_pt_regs(task.cast()) as *const c_void;
        (
            REGISTER_CALL.read(registers) as i32,
            REGISTER_FD.read(registers) as i32,
            REGISTER_BUFFER.read(registers),
            REGISTER_COUNT.read(registers),
            TASK_STATUS.read(task.cast()),
        )
    };
    let of = |base, count, pieces| UserMemory {
        call,
        fd,
        base,
        count,
        pieces,
    };
    if status & COMPAT != 0 {
        return of(0, 0, false);
    }
    match (direction, call) {
        (Direction::Send, WRITE | SENDTO) | (Direction::Receive, READ | RECVFROM) => {
            of(buffer, count, false)
        }
        (Direction::Send, WRITEV | PWRITEV2) | (Direction::Receive, READV | PREADV2) => {
            in_pieces(of(buffer, count, true))
        }
        (Direction::Send, SENDMSG) | (Direction::Receive, RECVMSG) => {
            in_pieces(of_header(of(buffer, 1, true)))
        }
        (Direction::Send, SENDMMSG) | (Direction::Receive, RECVMMSG) => {
            let index = index(buffer, count);
            let header = buffer.wrapping_add(index.wrapping_mul(MMSGHDR_LEN));
            in_pieces(of_header(of(header, 1, true)))
        }
        _ => of(0, 0, false),
    }
}

/// The call failed: the next one of the thread begins at its first message.
#[inline(always)]
pub(crate) fn call_failed() {
    // SAFETY: the helper has no preconditions.
    let thread = unsafe { bpf_get_current_task() };
    let _ = PROGRESS.remove(&thread);
}

/// Which message of several the thread is at.
#[inline(always)]
fn next_of_several(vector: u64, count: u64) -> u64 {
    // SAFETY: the helper has no preconditions.
    let thread = unsafe { bpf_get_current_task() };
    // SAFETY: the value is copied out at once.
    let before = unsafe { PROGRESS.get(&thread) }.copied();
    let done = match before {
        Some(before) if before.vector == vector => before.done,
        _ => 0,
    };
    if done.wrapping_add(1) >= count {
        let _ = PROGRESS.remove(&thread);
    } else {
        let progress = Progress {
            vector,
            done: done.wrapping_add(1),
        };
        let _ = PROGRESS.insert(&thread, &progress, 0);
    }
    done
}

/// What the `struct user_msghdr` at its base says.
#[inline(always)]
fn of_header(memory: UserMemory) -> UserMemory {
    let address = memory.base.wrapping_add(MSG_IOV) as *const [u64; 2];
    // SAFETY: the helper checks the source.
    let [base, count] = unsafe { bpf_probe_read_user(address) }.unwrap_or([0; 2]);
    UserMemory {
        base,
        count,
        ..memory
    }
}

/// The same, or its only piece.
#[inline(always)]
pub(crate) fn in_pieces(memory: UserMemory) -> UserMemory {
    if memory.count != 1 {
        return memory;
    }
    let [base, count] = piece(memory.base, 0);
    UserMemory {
        base,
        count,
        pieces: false,
        ..memory
    }
}

/// Address and length of one piece; an empty one if it cannot be read.
#[inline(always)]
pub(crate) fn piece(pieces: u64, index: u64) -> [u64; 2] {
    let address = pieces.wrapping_add(index.wrapping_mul(IOVEC_LEN)) as *const [u64; 2];
    // SAFETY: the helper checks the source.
    unsafe { bpf_probe_read_user(address) }.unwrap_or([0; 2])
}
