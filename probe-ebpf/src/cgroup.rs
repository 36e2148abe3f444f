//! Cgroups come and go: with them, containers.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use core::ffi::c_void;
use probe_ebpf::{
    loss::Loss,
    record::{Cgroup, KIND_CGROUP_MADE, KIND_CGROUP_REMOVED},
};

use crate::{
    kernel::{CGROUP_ROOT, CGROUP_ROOT_HIERARCHY, cgroup_id},
    losses::counted,
    records::{copy_str, header, submit_at_once},
};

/// `cgroup_mkdir(struct cgroup *cgrp, const char *path)`, since 4.19.
#[btf_tracepoint(function = "cgroup_mkdir")]
fn cgroup_mkdir(ctx: BtfTracePointContext) -> i32 {
    counted("cgroup_mkdir", try_cgroup(&ctx, KIND_CGROUP_MADE))
}

/// `cgroup_rmdir(struct cgroup *cgrp, const char *path)`, since 4.19.
#[btf_tracepoint(function = "cgroup_rmdir")]
fn cgroup_rmdir(ctx: BtfTracePointContext) -> i32 {
    counted("cgroup_rmdir", try_cgroup(&ctx, KIND_CGROUP_REMOVED))
}

#[inline(always)]
fn try_cgroup(ctx: &BtfTracePointContext, kind: u32) -> Result<(), Loss> {
    let cgroup: *const c_void = ctx.arg(0);
    let path: *const c_void = ctx.arg(1);
    // SAFETY: the first argument is a cgroup. Hierarchy 0 is cgroup v2's.
    let (id, hierarchy) = unsafe {
        (
            cgroup_id(cgroup),
            CGROUP_ROOT_HIERARCHY.read(CGROUP_ROOT.follow(cgroup)),
        )
    };
    if hierarchy != 0 {
        return Ok(());
    }
    submit_at_once::<Cgroup>(|record| {
        // SAFETY: the record is ours to fill, the second argument a string.
        unsafe {
            (*record).header = header(kind, 0, id);
            copy_str(&raw mut (*record).path, path);
        }
    })
}
