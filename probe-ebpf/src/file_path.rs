//! The path of a file, as its process sees it.
//!
//! As the kernel makes one: from the file up to the process's root, name by name, and where a mount
//! ends, on from where it is mounted. Nothing is locked meanwhile: of a directory that is being
//! renamed, either name may be told.

use core::ffi::c_void;

use aya_ebpf::helpers::{bpf_get_current_task_btf, generated::bpf_probe_read_kernel_str};
use probe_ebpf::file::{FilePath, MAX_NAMES, NAMES_LEN};

use crate::{
    file_scratch::Scratch,
    kernel::{
        DENTRY_NAME, DENTRY_PARENT, FILE_DENTRY, FILE_MOUNT, FS_ROOT_DENTRY, FS_ROOT_MOUNT,
        MOUNT_PARENT, MOUNT_POINT, MOUNT_ROOT, TASK_FS, VFSMOUNT_ROOT,
    },
    open_file::{Inode, OpenFile},
    said::masked,
};

/// `NAME_MAX` and the zero behind.
const NAME_LEN: usize = 256;
/// Where a name may begin: a power of two.
const PLACES: usize = NAMES_LEN - NAME_LEN;
const _: () = assert!(PLACES.is_power_of_two());

/// Finds the path, and leaves it in `scratch`.
///
/// # Safety
///
/// `scratch` is valid.
#[inline(always)]
pub(crate) unsafe fn find(file: OpenFile, inode: &Inode, scratch: *mut Scratch) {
    // SAFETY: by the caller's promise.
    unsafe {
        let path = &raw mut (*scratch).file.path;
        (*path).inode = inode.number;
        (*path).device = inode.device;
        (*path).length = 0;
        (*path).cut = 0;
        (*path).pad = 0;
        if !inode.nameless {
            FILE_MOUNT.copy_at(file.address(), &raw mut (*scratch).mount);
            FILE_DENTRY.copy_at(file.address(), &raw mut (*scratch).dentry);
            (*path).cut = u8::from(!climb(scratch));
        }
    }
}

/// From `mount` and `dentry` in `scratch`; whether the root was reached.
///
/// "BPF program is too large": whatever changes on the way is kept in a map, of which the verifier
/// knows nothing. So each step looks like the one before, and the way on like any other.
///
/// # Safety
///
/// `scratch` is valid.
#[inline(always)]
unsafe fn climb(scratch: *mut Scratch) -> bool {
    // SAFETY: the helper returns the running task, which the verifier trusts.
    let (root_mount, root) = unsafe {
        let fs = TASK_FS.follow(bpf_get_current_task_btf().cast::<c_void>());
        (FS_ROOT_MOUNT.read(fs), FS_ROOT_DENTRY.read(fs))
    };
    let mut steps = 0;
    while steps < MAX_NAMES {
        steps += 1;
        // SAFETY: by the caller's promise.
        let (mount, dentry) = unsafe {
            let (mount, dentry) = (&raw const (*scratch).mount, &raw const (*scratch).dentry);
            (mount.read_volatile(), dentry.read_volatile())
        };
        if dentry == 0 || (dentry == root && mount == root_mount) {
            return true;
        }
        if dentry == VFSMOUNT_ROOT.read_at(mount as u64) {
            // A `struct vfsmount` is a part of its `struct mount`.
            let outer = (mount as u64).wrapping_sub(part());
            let parent = MOUNT_PARENT.read_at(outer) as u64;
            if parent == outer {
                return true;
            }
            // SAFETY: by the caller's promise.
            unsafe {
                (*scratch).mount = parent.wrapping_add(part()) as usize;
                MOUNT_POINT.copy_at(outer, &raw mut (*scratch).dentry);
            }
            continue;
        }
        // SAFETY: by the caller's promise.
        let parent = unsafe {
            if !append(
                &raw mut (*scratch).file.path,
                DENTRY_NAME.read_at(dentry as u64),
            ) {
                return false;
            }
            let parent = &raw mut (*scratch).dentry;
            DENTRY_PARENT.copy_at(dentry as u64, parent);
            parent.read_volatile()
        };
        if parent == dentry {
            return true; // of no directory, as a memfd
        }
    }
    false
}

/// Whether there was room for the name.
///
/// # Safety
///
/// `path` is valid.
#[inline(always)]
unsafe fn append(path: *mut FilePath, name: usize) -> bool {
    // SAFETY: by the caller's promise.
    let length = u64::from(unsafe { (&raw const (*path).length).read_volatile() });
    if length >= PLACES as u64 {
        return false;
    }
    let place = masked(length, PLACES as u64 - 1);
    // SAFETY: there is room; the helper checks the source.
    let copied = unsafe {
        let to = (&raw mut (*path).names).byte_add(place as usize).cast();
        bpf_probe_read_kernel_str(to, NAME_LEN as u32, name as *const c_void)
    };
    // SAFETY: by the caller's promise.
    unsafe { (*path).length = place.wrapping_add(copied.cast_unsigned()) as u16 };
    copied > 0
}

/// Where a `struct mount` keeps its `struct vfsmount`.
#[inline(always)]
fn part() -> u64 {
    (MOUNT_ROOT.offset() as u64).wrapping_sub(VFSMOUNT_ROOT.offset() as u64)
}
