//! Taking an entry out of a map, with its last value.

use std::{
    io,
    mem::{MaybeUninit, size_of},
    os::fd::{AsRawFd, BorrowedFd},
};

use aya::Pod;

use super::bpf;

const BPF_MAP_DELETE_ELEM: libc::c_int = 3;
/// Of a hash map with a value for each CPU, since 5.14.
const BPF_MAP_LOOKUP_AND_DELETE_ELEM: libc::c_int = 21;
/// The kernel's own errno for a map that cannot do that; not among those of user space.
const ENOTSUPP: i32 = 524;

/// The member of `union bpf_attr` for single entries.
#[repr(C)]
struct Attributes {
    map_fd: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// Removes `key` and gives its `width` values; `None` when it is not there. An older kernel only
/// removes it, which gives `None` too.
pub(super) fn take<K: Pod, V: Pod>(
    map: BorrowedFd<'_>,
    key: &K,
    width: usize,
) -> io::Result<Option<Vec<V>>> {
    const {
        assert!(
            size_of::<V>().is_multiple_of(8),
            "the kernel pads values to eight bytes"
        );
    };
    let mut values: Vec<MaybeUninit<V>> = Vec::with_capacity(width);
    values.resize_with(width, MaybeUninit::uninit);
    let mut attributes = Attributes {
        map_fd: map.as_raw_fd().cast_unsigned(),
        pad: 0,
        key: &raw const *key as u64,
        value: values.as_mut_ptr() as u64,
        flags: 0,
    };
    // SAFETY: the attributes point to a key and to room for `width` values, alive during the call.
    let taken = unsafe { bpf::call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &mut attributes) };
    let Err(error) = taken else {
        // SAFETY: the kernel has written `width` values, and every bit pattern is a valid `Pod`.
        let values = values
            .into_iter()
            .map(|value| unsafe { value.assume_init() });
        return Ok(Some(values.collect()));
    };
    match error.raw_os_error() {
        Some(libc::ENOENT) => Ok(None),
        Some(ENOTSUPP | libc::EINVAL) => {
            attributes.value = 0;
            // SAFETY: as above; the command looks at the key only.
            match unsafe { bpf::call(BPF_MAP_DELETE_ELEM, &mut attributes) } {
                Err(error) if error.raw_os_error() != Some(libc::ENOENT) => Err(error),
                _ => Ok(None),
            }
        }
        _ => Err(error),
    }
}
