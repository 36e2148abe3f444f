//! The `bpf` system call, for the commands that aya does not offer.

use std::{io, mem::size_of};

/// Calls `command` and returns what it returned: 0, or a new file descriptor.
///
/// # Safety
///
/// `attributes` is the member of `union bpf_attr` that belongs to `command`, and every address in
/// it is valid during the call.
pub(super) unsafe fn call<T>(command: libc::c_int, attributes: &mut T) -> io::Result<i32> {
    // SAFETY: by the caller's promise. What a kernel knows beyond `size` it takes for zero.
    let returned =
        unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attributes, size_of::<T>()) };
    if returned < 0 {
        return Err(io::Error::last_os_error());
    }
    i32::try_from(returned).map_err(io::Error::other)
}
