//! System calls that read or write files: which, and which way.

use core::ffi::c_void;

use aya_ebpf::helpers::{bpf_get_current_task_btf, generated::bpf_task_pt_regs};

use crate::{
    call::Direction,
    file_scratch::{Scratch, scratch},
    kernel::{Process, REGISTER_BUFFER, REGISTER_CALL, REGISTER_COUNT, REGISTER_FD, TASK_STATUS},
    traffic::OWN_PID,
    user_memory::{
        COMPAT, PREAD64, PREADV, PREADV2, PWRITE64, PWRITEV, PWRITEV2, READ, READV, UserMemory,
        WRITE, WRITEV, in_pieces,
    },
};

const SENDFILE: i32 = 40;
const SPLICE: i32 = 275;
const TEE: i32 = 276;
const COPY_FILE_RANGE: i32 = 326;

/// No descriptor: the program's own memory.
const NONE: u32 = u32::MAX;

/// The bytes pass by the program's memory.
const NOWHERE: u32 = 0;
/// They lie there together.
const WHOLE: u32 = 1;
/// They do not.
const PIECES: u32 = 2;

/// A call that has moved bytes, in x86-64's numbers. Descriptors may be sockets', too.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct FileCall {
    /// Its number.
    call: i32,
    /// Its first argument.
    first: i32,
    /// Where the bytes came from, a descriptor or [`NONE`].
    from: u32,
    /// Where they went.
    to: u32,
    /// The second argument: an address.
    base: u64,
    /// The third: how much is there.
    count: u64,
    /// How many bytes they are.
    pub(crate) length: u32,
    /// What of that is so.
    memory: u32,
}

/// The end of a system call: calls `each` with the descriptors that it moved bytes between, if it did
/// and is none of our own.
#[inline(always)]
pub(crate) fn each_end(returned: i64, each: impl Fn(u32, Direction, Process, *mut Scratch)) -> i32 {
    let Some(scratch) = scratch() else {
        return 0;
    };
    // SAFETY: this CPU's scratch.
    if !unsafe { FileCall::note(returned, &raw mut (*scratch).call) } {
        return 0;
    }
    let process = Process::current();
    if process.pid == OWN_PID.load() {
        return 0;
    }
    // SAFETY: as above. A volatile read is of what the verifier knows nothing.
    let (from, to) = unsafe {
        let call = &raw const (*scratch).call;
        let (from, to) = (&raw const (*call).from, &raw const (*call).to);
        (from.read_volatile(), to.read_volatile())
    };
    if from != NONE {
        each(from, Direction::Receive, process, scratch);
    }
    if to != NONE {
        each(to, Direction::Send, process, scratch);
    }
    0
}

impl FileCall {
    /// Notes the call that the current task is about to return from; whether it is one.
    ///
    /// # Safety
    ///
    /// `to_note` is valid.
    #[inline(always)]
    unsafe fn note(returned: i64, to_note: *mut Self) -> bool {
        if returned <= 0 {
            return false;
        }
        // SAFETY: the helpers have no preconditions, and a task has registers.
        let (registers, status) = unsafe {
            let task = bpf_get_current_task_btf();
            let registers = bpf_task_pt_regs(task.cast()) as *const c_void;
            (registers, TASK_STATUS.read(task.cast()))
        };
        if status & COMPAT != 0 {
            return false;
        }
        // SAFETY: as above.
        let [call, first, second, third] = unsafe {
            [
                REGISTER_CALL.read(registers),
                REGISTER_FD.read(registers),
                REGISTER_BUFFER.read(registers),
                REGISTER_COUNT.read(registers),
            ]
        };
        let (from, to, memory) = match call as i32 {
            READ | PREAD64 => (first as u32, NONE, WHOLE),
            READV | PREADV | PREADV2 => (first as u32, NONE, PIECES),
            WRITE | PWRITE64 => (NONE, first as u32, WHOLE),
            WRITEV | PWRITEV | PWRITEV2 => (NONE, first as u32, PIECES),
            SENDFILE => (second as u32, first as u32, NOWHERE),
            SPLICE | COPY_FILE_RANGE => (first as u32, third as u32, NOWHERE),
            // What it copies stays where it was.
            TEE => (NONE, second as u32, NOWHERE),
            _ => return false,
        };
        // SAFETY: by the caller's promise.
        unsafe {
            to_note.write(Self {
                call: call as i32,
                first: first as i32,
                from,
                to,
                base: second,
                count: third,
                length: returned.cast_unsigned() as u32,
                memory,
            });
        }
        true
    }

    /// Where its bytes are.
    #[inline(always)]
    pub(crate) fn memory(&self) -> UserMemory {
        let memory = UserMemory {
            call: self.call,
            fd: self.first,
            base: self.base,
            count: self.count,
            pieces: self.memory == PIECES,
        };
        match self.memory {
            NOWHERE => memory.nowhere(),
            PIECES => in_pieces(memory),
            _ => memory,
        }
    }
}
