//! Files by what is read from and written to them, for `probe top files`.

use aya_ebpf::{
    bindings::{BPF_F_NO_PREALLOC, BPF_NOEXIST},
    btf_maps::{Array, HashMap},
    macros::{btf_map, btf_tracepoint},
    programs::BtfTracePointContext,
};
use probe_ebpf::{
    file::{FileCounts, FileKey, FileRestKey, FileUse, MAX_FILE_CGROUPS, MAX_FILES, PROTOCOL_FILE},
    loss::Loss,
};

use crate::{
    atomic::add, call::Direction, file_call::each_end, file_path, file_scratch::Scratch,
    kernel::Process, losses::counted, open_file::OpenFile,
};

/// Files of this period and, until user space has taken them, of those before. Room for one while
/// nobody asks. Full: see [`FILE_REST`].
#[btf_map]
static FILES: HashMap<FileKey, FileUse, MAX_FILES, { BPF_F_NO_PREALLOC as usize }> = HashMap::new();

/// Cgroups' files that have no room in [`FILES`]. Full: the loss is all there is.
#[btf_map]
static FILE_REST: HashMap<
    FileRestKey,
    FileCounts,
    MAX_FILE_CGROUPS,
    { BPF_F_NO_PREALLOC as usize },
> = HashMap::new();

/// The period that it is; the one entry is set by user space.
#[btf_map]
static FILE_PERIOD: Array<u32, 1> = Array::new();

/// `sys_exit(struct pt_regs *regs, long ret)`: see [`crate::traffic_files`].
#[btf_tracepoint(function = "sys_exit")]
fn top_files(ctx: BtfTracePointContext) -> i32 {
    each_end(ctx.arg(1), add_up)
}

#[inline(always)]
fn add_up(fd: u32, direction: Direction, process: Process, scratch: *mut Scratch) {
    counted("top_files", try_count(fd, direction, process, scratch));
}

#[inline(always)]
fn try_count(
    fd: u32,
    direction: Direction,
    process: Process,
    scratch: *mut Scratch,
) -> Result<(), Loss> {
    let Some(file) = OpenFile::of_current_task(fd) else {
        return Ok(());
    };
    let Some(inode) = file.inode() else {
        return Ok(());
    };
    if inode.protocol != PROTOCOL_FILE {
        return Ok(());
    }
    let key = FileKey {
        cgroup: process.cgroup,
        inode: inode.number,
        device: inode.device,
        period: FILE_PERIOD.get(0).copied().unwrap_or_default(),
        comm: process.comm,
    };
    // SAFETY: this CPU's scratch.
    let length = u64::from(unsafe { (&raw const (*scratch).call.length).read_volatile() });
    if let Some(known) = FILES.get_ptr_mut(&key) {
        // SAFETY: a live value.
        unsafe { count(&raw mut (*known).counts, direction, length) };
        return Ok(());
    }
    // SAFETY: this CPU's scratch.
    let fresh = unsafe {
        file_path::find(file, &inode, scratch);
        &(*scratch).file
    };
    // Somebody else may have come before: theirs is as good.
    let _ = FILES.insert(&key, fresh, BPF_NOEXIST.into());
    if let Some(known) = FILES.get_ptr_mut(&key) {
        // SAFETY: a live value.
        unsafe { count(&raw mut (*known).counts, direction, length) };
        return Ok(());
    }
    let rest = FileRestKey {
        cgroup: key.cgroup,
        period: key.period.into(),
    };
    let _ = FILE_REST.insert(&rest, &NOTHING, BPF_NOEXIST.into());
    let rest = FILE_REST.get_ptr_mut(&rest).ok_or(Loss::FileRestFull)?;
    // SAFETY: a live value.
    unsafe { count(rest, direction, length) };
    Err(Loss::FilesFull)
}

const NOTHING: FileCounts = FileCounts {
    reads: 0,
    writes: 0,
    bytes_read: 0,
    bytes_written: 0,
};

/// # Safety
///
/// `counts` is live.
#[inline(always)]
unsafe fn count(counts: *mut FileCounts, direction: Direction, length: u64) {
    // SAFETY: by the caller's promise.
    unsafe {
        match direction {
            Direction::Send => {
                add(&raw mut (*counts).writes, 1);
                add(&raw mut (*counts).bytes_written, length);
            }
            Direction::Receive => {
                add(&raw mut (*counts).reads, 1);
                add(&raw mut (*counts).bytes_read, length);
            }
        }
    }
}
