//! Processes that the kernel kills because there is no memory left, in their cgroup or at all.

use core::ffi::c_void;

use aya_ebpf::{
    helpers::bpf_get_current_task_btf, macros::btf_tracepoint, programs::BtfTracePointContext,
};
use probe_ebpf::{
    flow::COMM_LEN,
    loss::Loss,
    record::{KIND_OOM_KILL, OomKill},
};

use crate::{
    kernel::{CSS_SET_CGROUP, TASK_CSS_SET, TASK_LEADER, TASK_PID, TASK_TGID, cgroup_id, comm_of},
    losses::counted,
    records::{header, submit},
};

/// `mark_victim(struct task_struct *task, uid_t uid)`, since 6.8. Who runs is who asked for memory.
#[btf_tracepoint(function = "mark_victim")]
fn oom_kill(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the argument is a task; before 6.8 it was a number, and this does not verify.
    counted("oom_kill", unsafe { say(ctx.arg(0)) })
}

/// `mark_victim(int pid)`, 4.16 to 6.7: whose it is can be told of the running task only.
#[btf_tracepoint(function = "mark_victim")]
fn oom_kill_by_pid(ctx: BtfTracePointContext) -> i32 {
    counted("oom_kill_by_pid", try_by_pid(ctx.arg(0)))
}

#[inline(always)]
fn try_by_pid(pid: u32) -> Result<(), Loss> {
    // SAFETY: the helper returns the running task, which the verifier trusts.
    unsafe {
        let task: *const c_void = bpf_get_current_task_btf().cast();
        if TASK_PID.read(task) == pid {
            return say(task);
        }
    }
    submit::<OomKill>(|record| {
        // SAFETY: the record is ours to fill.
        unsafe {
            (*record).header = header(KIND_OOM_KILL, pid, 0);
            (*record).comm = [0; COMM_LEN];
        }
    })
}

/// # Safety
///
/// `task` is a `struct task_struct *` that the verifier knows.
#[inline(always)]
unsafe fn say(task: *const c_void) -> Result<(), Loss> {
    submit::<OomKill>(|record| {
        // SAFETY: by the caller's promise; the record is ours to fill.
        unsafe {
            let cgroup = cgroup_id(CSS_SET_CGROUP.follow(TASK_CSS_SET.follow(task)));
            (*record).header = header(KIND_OOM_KILL, TASK_TGID.read(task), cgroup);
            (*record).comm = comm_of(TASK_LEADER.follow(task));
        }
    })
}
