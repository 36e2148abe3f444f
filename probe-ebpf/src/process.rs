//! Processes: exec, fork and exit.

use aya_ebpf::{
    helpers::{bpf_get_current_cgroup_id, bpf_get_current_uid_gid},
    macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use core::ffi::c_void;
use probe_ebpf::{
    loss::Loss,
    record::{Exec, Exit, Fork, KIND_EXEC, KIND_EXIT, KIND_FORK},
};

use crate::{
    kernel::{
        BPRM_FILENAME, TASK_EXIT_CODE, TASK_LEADER, TASK_PARENT, TASK_PID, TASK_TGID, comm_of,
    },
    losses::counted,
    records::{copy_str, header, submit},
};

/// `sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)`, since 3.4.
#[btf_tracepoint(function = "sched_process_exec")]
fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    counted("sched_process_exec", try_exec(&ctx))
}

#[inline(always)]
fn try_exec(ctx: &BtfTracePointContext) -> Result<(), Loss> {
    let task: *const c_void = ctx.arg(0);
    let bprm: *const c_void = ctx.arg(2);
    submit::<Exec>(|record| {
        // SAFETY: the arguments are what their types say; the record is ours to fill. The task is
        // the running one, so its cgroup is the current one.
        unsafe {
            (*record).header = header(KIND_EXEC, TASK_TGID.read(task), bpf_get_current_cgroup_id());
            (*record).parent = TASK_TGID.read(TASK_PARENT.follow(task));
            (*record).uid = bpf_get_current_uid_gid() as u32;
            (*record).comm = comm_of(task);
            copy_str(&raw mut (*record).path, BPRM_FILENAME.follow(bprm));
        }
    })
}

/// `sched_process_fork(struct task_struct *parent, struct task_struct *child)`, since 2.6.
#[btf_tracepoint(function = "sched_process_fork")]
fn sched_process_fork(ctx: BtfTracePointContext) -> i32 {
    counted("sched_process_fork", try_fork(&ctx))
}

#[inline(always)]
fn try_fork(ctx: &BtfTracePointContext) -> Result<(), Loss> {
    let parent: *const c_void = ctx.arg(0);
    let child: *const c_void = ctx.arg(1);
    // SAFETY: both arguments are tasks.
    let (pid, tgid) = unsafe { (TASK_PID.read(child), TASK_TGID.read(child)) };
    if pid != tgid {
        return Ok(()); // a thread
    }
    submit::<Fork>(|record| {
        // SAFETY: as above; the record is ours to fill. `CLONE_INTO_CGROUP` aside, a child starts
        // in its parent's cgroup, and its exec says where it is then.
        unsafe {
            (*record).header = header(KIND_FORK, tgid, bpf_get_current_cgroup_id());
            (*record).parent = TASK_TGID.read(parent);
            (*record).pad = 0;
            (*record).comm = comm_of(child);
        }
    })
}

/// `sched_process_exit(struct task_struct *p, bool group_dead)`, since 2.6; the second argument
/// since 6.14. Each thread passes; the leader's stands for the process.
#[btf_tracepoint(function = "sched_process_exit")]
fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    counted("sched_process_exit", try_exit(&ctx))
}

#[inline(always)]
fn try_exit(ctx: &BtfTracePointContext) -> Result<(), Loss> {
    let task: *const c_void = ctx.arg(0);
    // SAFETY: the argument is a task, and so is its leader.
    let (pid, tgid) = unsafe { (TASK_PID.read(task), TASK_TGID.read(task)) };
    if pid != tgid {
        return Ok(());
    }
    submit::<Exit>(|record| {
        // SAFETY: as above; the record is ours to fill.
        unsafe {
            (*record).header = header(KIND_EXIT, tgid, bpf_get_current_cgroup_id());
            (*record).code = TASK_EXIT_CODE.read(task);
            (*record).pad = 0;
            (*record).comm = comm_of(TASK_LEADER.follow(task));
        }
    })
}
