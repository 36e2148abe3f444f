//! A file, as the programs read it.

use core::{ffi::c_void, mem::size_of};

use aya_ebpf::helpers::{bpf_get_current_task_btf, generated::bpf_probe_read_kernel};
use probe_ebpf::file::{PROTOCOL_FILE, PROTOCOL_PIPE, PROTOCOL_TTY};

use crate::kernel::{
    FILE_INODE, FILES_TABLE, INODE_MODE, INODE_NUMBER, INODE_RDEV, INODE_SB, SB_DEVICE, SB_MAGIC,
    TABLE_FILES, TABLE_SIZE, TASK_FILES,
};

const S_IFMT: u16 = 0o170_000;
const S_IFIFO: u16 = 0o010_000;
const S_IFCHR: u16 = 0o020_000;
const S_IFREG: u16 = 0o100_000;

/// `ANON_INODE_FS_MAGIC`: what `eventfd`, `epoll` and the like are; regular files since 6.16.
const ANONYMOUS: u64 = 0x0904_1934;
/// `PIPEFS_MAGIC`: pipes without a name.
const PIPES: u64 = 0x5049_5045;

/// Bits of a minor number in the kernel's `dev_t`.
const MINOR_BITS: u32 = 20;

/// A `struct file`'s address. It was read off an array, which the verifier does not follow: helpers
/// read what is there.
#[derive(Clone, Copy)]
pub(crate) struct OpenFile(u64);

/// The inode of a file that is told of.
#[derive(Clone, Copy)]
pub(crate) struct Inode {
    /// One of the `PROTOCOL_` constants of [`probe_ebpf::file`].
    pub(crate) protocol: u8,
    pub(crate) number: u64,
    pub(crate) device: u32,
    /// A pipe that is in no directory.
    pub(crate) nameless: bool,
}

impl OpenFile {
    /// What the current task has open under that descriptor.
    #[inline(always)]
    pub(crate) fn of_current_task(fd: u32) -> Option<Self> {
        // SAFETY: the helper returns the running task, which the verifier trusts.
        let (size, files) = unsafe {
            let task: *const c_void = bpf_get_current_task_btf().cast();
            let table = FILES_TABLE.follow(TASK_FILES.follow(task));
            (TABLE_SIZE.read(table), TABLE_FILES.read(table) as u64)
        };
        if fd >= size {
            return None;
        }
        let place = files.wrapping_add(u64::from(fd) << 3) as *const c_void;
        let mut file = 0_u64;
        // SAFETY: there is room; the helper checks the source.
        unsafe { bpf_probe_read_kernel((&raw mut file).cast(), size_of::<u64>() as u32, place) };
        (file != 0).then_some(Self(file))
    }

    /// The address.
    #[inline(always)]
    pub(crate) const fn address(self) -> u64 {
        self.0
    }

    /// Its inode, if it is a regular file, a pipe or a terminal.
    #[inline(always)]
    pub(crate) fn inode(self) -> Option<Inode> {
        let inode = FILE_INODE.read_at(self.0) as u64;
        let filesystem = INODE_SB.read_at(inode) as u64;
        let magic = SB_MAGIC.read_at(filesystem);
        let protocol = match INODE_MODE.read_at(inode) & S_IFMT {
            S_IFREG if magic != ANONYMOUS => PROTOCOL_FILE,
            S_IFIFO => PROTOCOL_PIPE,
            S_IFCHR if is_terminal(INODE_RDEV.read_at(inode)) => PROTOCOL_TTY,
            _ => return None,
        };
        Some(Inode {
            protocol,
            number: INODE_NUMBER.read_at(inode),
            device: SB_DEVICE.read_at(filesystem),
            nameless: magic == PIPES,
        })
    }
}

/// By the major number, as Linux gives them out (`Documentation/admin-guide/devices.txt`): consoles and serial
/// lines, `/dev/tty` and `/dev/ptmx`, pseudo terminals' masters and slaves, USB's, hypervisors'.
#[inline(always)]
const fn is_terminal(device: u32) -> bool {
    matches!(
        device >> MINOR_BITS,
        4 | 5 | 128..=143 | 166 | 188 | 204 | 229
    )
}
