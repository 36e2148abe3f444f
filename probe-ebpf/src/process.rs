//! Processes: exec, fork and exit.

use core::ffi::c_void;

use aya_ebpf::{
    helpers::{
        bpf_get_current_cgroup_id, bpf_get_current_uid_gid,
        generated::{bpf_ktime_get_boot_ns, bpf_probe_read_kernel},
    },
    macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use probe_ebpf::{
    loss::Loss,
    record::{
        ARGUMENTS_LEN, Birth, ExecWith, Exit, Fork, KIND_EXEC, KIND_EXIT, KIND_FORK,
        SHORT_ARGUMENTS_LEN,
    },
};

use crate::{
    kernel::{
        BPRM_FILENAME, MM_ARG_END, MM_ARG_START, PID_LEVEL, PID_NUMBERS, SIGNAL_RAN, TASK_BEGAN,
        TASK_EXIT_CODE, TASK_LEADER, TASK_MM, TASK_PARENT, TASK_PID, TASK_SIGNAL, TASK_TGID,
        TASK_THREAD_PID, comm_of,
    },
    losses::counted,
    records::{copy_str, copy_user, header, submit},
    sched_clock,
};

/// `sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)`, since 3.4.
#[btf_tracepoint(function = "sched_process_exec")]
fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    counted("sched_process_exec", try_exec(&ctx))
}

#[inline(always)]
fn try_exec(ctx: &BtfTracePointContext) -> Result<(), Loss> {
    let task: *const c_void = ctx.arg(0);
    // SAFETY: the argument is a task, and it has just been given its memory.
    let (start, end) = unsafe {
        let mm = TASK_MM.follow(task);
        (MM_ARG_START.read(mm), MM_ARG_END.read(mm))
    };
    if end.saturating_sub(start) <= SHORT_ARGUMENTS_LEN as u64 {
        submit_exec::<SHORT_ARGUMENTS_LEN>(ctx, start, end)
    } else {
        submit_exec::<ARGUMENTS_LEN>(ctx, start, end)
    }
}

#[inline(always)]
fn submit_exec<const LEN: usize>(
    ctx: &BtfTracePointContext,
    start: u64,
    end: u64,
) -> Result<(), Loss> {
    let task: *const c_void = ctx.arg(0);
    let bprm: *const c_void = ctx.arg(2);
    submit::<ExecWith<LEN>>(|record| {
        // SAFETY: the arguments are what their types say; the record is ours to fill. The task is
        // the running one, so its cgroup is the current one, and its memory is at hand.
        unsafe {
            let exec = &raw mut (*record).exec;
            (*exec).header = header(KIND_EXEC, TASK_TGID.read(task), bpf_get_current_cgroup_id());
            (*exec).birth = birth(task, TASK_TGID.read(TASK_PARENT.follow(task)));
            (*exec).uid = bpf_get_current_uid_gid() as u32;
            (*exec).comm = comm_of(task);
            copy_str(&raw mut (*exec).path, BPRM_FILENAME.follow(bprm));
            (*exec).arguments_len = copy_user(&raw mut (*record).arguments, start, end);
        }
    })
}

/// # Safety
///
/// `task` is a `struct task_struct *` that the verifier knows.
#[inline(always)]
unsafe fn birth(task: *const c_void, parent: u32) -> Birth {
    // SAFETY: by the caller's promise.
    unsafe {
        Birth {
            began: TASK_BEGAN.read(task),
            inner_pid: inner_pid(task),
            parent,
        }
    }
}

/// The pid in the task's own pid namespace, the innermost of those it is in; 0 if it has none left.
///
/// # Safety
///
/// As for [`birth`].
#[inline(always)]
unsafe fn inner_pid(task: *const c_void) -> u32 {
    /// `sizeof(struct upid)`: an int and a pointer.
    const UPID: usize = 16;
    let mut number = 0_u32;
    // SAFETY: by the caller's promise. The verifier follows no index into BTF: the last step is
    // the helper's.
    unsafe {
        let pid = TASK_THREAD_PID.follow(task);
        let level = PID_LEVEL.read(pid) as usize;
        let at = pid.byte_add(PID_NUMBERS.offset() + level * UPID);
        bpf_probe_read_kernel((&raw mut number).cast(), size_of::<u32>() as u32, at);
    }
    number
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
            (*record).birth = birth(child, TASK_TGID.read(parent));
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
            (*record).birth = birth(task, TASK_TGID.read(TASK_PARENT.follow(task)));
            (*record).lived = bpf_ktime_get_boot_ns().wrapping_sub(TASK_BEGAN.read(task));
            let before = SIGNAL_RAN.read(TASK_SIGNAL.follow(task));
            (*record).ran = sched_clock::ran(task).wrapping_add(before);
            (*record).code = TASK_EXIT_CODE.read(task);
            (*record).pad = 0;
            (*record).comm = comm_of(TASK_LEADER.follow(task));
        }
    })
}
