//! What is read from and written to files, pipes and terminals, for `probe traffic --files`.
//!
//! The end of every system call is the one place that sees them all on every kernel: `vfs_read` has
//! siblings that differ from version to version, and not every kernel takes `fexit`. What is no such
//! call is gone after a few instructions.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use probe_ebpf::{
    loss::Loss,
    message::{DIRECTION_RECEIVED, DIRECTION_SENT},
};

use crate::{
    call::Direction, datagram::Peer, file_call::each_end, file_path, file_scratch::Scratch,
    kernel::Process, losses::counted, open_file::OpenFile, said::Said, user_memory::UserMemory,
};

/// `sys_exit(struct pt_regs *regs, long ret)`.
#[btf_tracepoint(function = "sys_exit")]
fn traffic_files(ctx: BtfTracePointContext) -> i32 {
    each_end(ctx.arg(1), tell)
}

#[inline(always)]
fn tell(fd: u32, direction: Direction, process: Process, scratch: *mut Scratch) {
    let told = try_tell(fd, direction, process, scratch);
    counted("traffic_files", told);
}

/// One end of the call.
#[inline(always)]
fn try_tell(
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
    // SAFETY: this CPU's scratch; volatile as above.
    let (call, protocol) = unsafe {
        let protocol = &raw mut (*scratch).protocol;
        protocol.write_volatile(inode.protocol.into());
        let call = (&raw const (*scratch).call).read_volatile();
        (call, protocol.read_volatile() as u8)
    };
    let mut said = Said {
        netns: 0,
        local: [0; 16],
        listener: core::ptr::null(),
        peer_pid: 0,
        direction: match direction {
            Direction::Send => DIRECTION_SENT,
            Direction::Receive => DIRECTION_RECEIVED,
        },
        length: call.length,
        protocol,
        port: 0,
        peer: Peer::new([0; 16], 0),
        process,
        memory: UserMemory::NOTHING,
    };
    if !said.is_wanted() {
        return Ok(());
    }
    // SAFETY: as above.
    let path = unsafe {
        file_path::find(file, &inode, scratch);
        &raw const (*scratch).file.path
    };
    // Not before: the verifier would go up the path once for each kind.
    said.memory = call.memory();
    said.submit_about(path)
}
