//! Reading the kernel's own structs.

use core::{
    arch::asm,
    ffi::c_void,
    marker::PhantomData,
    mem::{MaybeUninit, size_of},
    ptr,
};

use aya_ebpf::{
    Global,
    helpers::{
        bpf_get_current_cgroup_id, bpf_get_current_task_btf, generated::bpf_probe_read_kernel,
    },
};
use probe_ebpf::{field::OFFSET_UNSET, flow::COMM_LEN};

/// A member of a kernel struct: its byte offset, set by user space before the load.
///
/// The offset lies in frozen read-only data, so the verifier knows its value, walks the struct's
/// BTF to it, and checks that a member of just that size is there: a plain load, no helper call,
/// and an offset that went wrong does not verify.
#[repr(transparent)]
pub(crate) struct KernelField<T> {
    offset: Global<u32>,
    value: PhantomData<fn() -> T>,
}

impl<T: Copy> KernelField<T> {
    const fn new() -> Self {
        Self {
            offset: Global::new(OFFSET_UNSET),
            value: PhantomData,
        }
    }

    /// Bytes from the start of its struct.
    #[inline(always)]
    pub(crate) fn offset(&self) -> usize {
        self.offset.load() as usize
    }

    /// Reads the field of the struct at `base`; zeroes when `base` is not mapped.
    ///
    /// # Safety
    ///
    /// `base` points to the struct that the field belongs to, and the verifier knows it does: it
    /// came from the context, from a helper, or from another field.
    #[inline(always)]
    pub(crate) unsafe fn read(&self, base: *const c_void) -> T {
        // SAFETY: by the caller's promise, and the verifier checks it.
        unsafe { ptr::read_volatile(base.byte_add(self.offset()).cast::<T>()) }
    }
}

impl<T: Copy> KernelField<T> {
    /// Reads the field of a struct at an address that the verifier knows nothing of, by a helper;
    /// zeroes when that is not mapped. `T` is made of integers.
    #[inline(always)]
    pub(crate) fn read_at(&self, base: u64) -> T {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: there is room, and the helper checks the source; where there is none, it fills
        // in zeroes.
        unsafe {
            self.copy_at(base, value.as_mut_ptr());
            value.assume_init()
        }
    }

    /// As above, to a place of one's own.
    ///
    /// # Safety
    ///
    /// `to` is valid.
    #[inline(always)]
    pub(crate) unsafe fn copy_at(&self, base: u64, to: *mut T) {
        let from = base.wrapping_add(self.offset() as u64) as *const c_void;
        // SAFETY: by the caller's promise; the helper checks the source.
        unsafe { bpf_probe_read_kernel(to.cast(), size_of::<T>() as u32, from) };
    }
}

/// A kernel struct to read fields of.
pub(crate) trait Place: Copy {
    /// Reads one; zeroes where nothing is mapped.
    fn read<T: Copy>(self, field: &KernelField<T>) -> T;
}

/// A place that the verifier knows the type of: a plain load.
#[derive(Clone, Copy)]
pub(crate) struct Typed(*const c_void);

impl Typed {
    /// # Safety
    ///
    /// As for [`KernelField::read`], of every field that will be read.
    #[inline(always)]
    pub(crate) const unsafe fn new(base: *const c_void) -> Self {
        Self(base)
    }
}

impl Place for Typed {
    #[inline(always)]
    fn read<T: Copy>(self, field: &KernelField<T>) -> T {
        // SAFETY: by `new`.
        unsafe { field.read(self.0) }
    }
}

/// An address, of which the verifier knows nothing: a helper call. `T` is made of integers.
#[derive(Clone, Copy)]
pub(crate) struct Address(pub(crate) u64);

impl Address {
    /// A pointer as a number, which the verifier takes for one when it is negated twice.
    #[inline(always)]
    pub(crate) fn of(pointer: *const c_void) -> Self {
        let mut address = pointer as u64;
        // SAFETY: does nothing.
        unsafe {
            asm!("{address} = -{address}", "{address} = -{address}", address = inout(reg) address);
        }
        Self(address)
    }
}

impl Place for Address {
    #[inline(always)]
    fn read<T: Copy>(self, field: &KernelField<T>) -> T {
        field.read_at(self.0)
    }
}

impl KernelField<usize> {
    /// Reads a pointer to another kernel struct.
    ///
    /// # Safety
    ///
    /// As for [`KernelField::read`].
    #[inline(always)]
    pub(crate) unsafe fn follow(&self, base: *const c_void) -> *const c_void {
        // SAFETY: by the caller's promise.
        unsafe { self.read(base) as *const c_void }
    }
}

macro_rules! globals {
    ($($group:ident { $($symbol:ident: $type:ty = $structure:literal $member:literal;)* })*) => {
        $($(
            #[doc = concat!("`", $structure, ".", $member, "`")]
            #[unsafe(no_mangle)]
            pub(crate) static $symbol: KernelField<$type> = KernelField::new();
        )*)*
    };
}

probe_ebpf::with_kernel_fields!(globals);

/// The one network namespace to look at, its inode number; 0 for all. Set before the load.
#[unsafe(no_mangle)]
pub(crate) static ONLY_NETNS: Global<u32> = Global::new(0);

/// The id of a cgroup: the inode of its directory in the cgroup v2 mount.
///
/// # Safety
///
/// `cgroup` is a `struct cgroup *` that the verifier knows.
#[inline(always)]
pub(crate) unsafe fn cgroup_id(cgroup: *const c_void) -> u64 {
    // SAFETY: by the caller's promise.
    unsafe { KERNFS_ID.read(CGROUP_KN.follow(cgroup)) }
}

/// The process that is running: right in a system call, anybody's in an interrupt.
#[derive(Clone, Copy)]
pub(crate) struct Process {
    pub(crate) cgroup: u64,
    pub(crate) pid: u32,
    /// Of the thread group's leader: threads often rename themselves.
    pub(crate) comm: [u8; COMM_LEN],
}

impl Process {
    #[inline(always)]
    pub(crate) fn current() -> Self {
        // SAFETY: the helper returns the running task, which the verifier trusts.
        let (pid, comm) = unsafe {
            let task: *const c_void = bpf_get_current_task_btf().cast();
            let leader = TASK_LEADER.follow(task);
            (TASK_TGID.read(task), comm_of(leader))
        };
        Self {
            // SAFETY: the helper has no preconditions.
            cgroup: unsafe { bpf_get_current_cgroup_id() },
            pid,
            comm,
        }
    }
}

/// A task's command, NUL-padded.
///
/// # Safety
///
/// `task` is a `struct task_struct *` that the verifier knows.
#[inline(always)]
pub(crate) unsafe fn comm_of(task: *const c_void) -> [u8; COMM_LEN] {
    // SAFETY: by the caller's promise; both types are 16 bytes of integers.
    unsafe { core::mem::transmute::<[u64; 2], [u8; COMM_LEN]>(TASK_COMM.read(task)) }
}
