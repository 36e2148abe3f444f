//! Reading a whole map in a few system calls.
//!
//! aya looks maps up key by key: two system calls an entry. `BPF_MAP_LOOKUP_BATCH` (since 5.6)
//! copies bucket after bucket, and never misses an entry that was there all along, whatever else
//! comes and goes meanwhile.

use std::{
    io,
    marker::PhantomData,
    mem::{MaybeUninit, size_of},
    os::fd::{AsRawFd, BorrowedFd},
};

use aya::Pod;

use super::bpf;

const BPF_MAP_LOOKUP_BATCH: libc::c_int = 24;

/// Entries asked for at once. The kernel copies whole buckets: a bucket with more entries answers
/// `ENOSPC`, and the next try asks for twice as many.
const FIRST_BATCH: usize = 1024;

/// The `batch` member of `union bpf_attr`.
#[repr(C)]
struct Attributes {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

/// A reader of one hash map. `width` values of type `V` belong to each key: one, or one a CPU.
#[derive(Debug)]
pub struct BatchReader<K, V> {
    keys: Vec<MaybeUninit<K>>,
    values: Vec<MaybeUninit<V>>,
    width: usize,
    batch: usize,
    types: PhantomData<(K, V)>,
}

impl<K: Pod, V: Pod> BatchReader<K, V> {
    /// A reader for a map with `width` values a key. The kernel pads each of several values to
    /// eight bytes; so must `V` be.
    ///
    /// # Panics
    ///
    /// When `V`'s size is not a multiple of eight: a mistake in the caller's types.
    #[must_use]
    pub fn new(width: usize) -> Self {
        assert!(
            size_of::<V>().is_multiple_of(8),
            "a batch's values come in steps of eight bytes"
        );
        Self {
            keys: Vec::new(),
            values: Vec::new(),
            width,
            batch: FIRST_BATCH,
            types: PhantomData,
        }
    }

    /// Calls `each` with every key of the map and its values. Buffers are kept for the next time.
    pub fn read(&mut self, map: BorrowedFd<'_>, mut each: impl FnMut(&K, &[V])) -> io::Result<()> {
        // Opaque to us; a hash map's is a bucket number.
        let mut cursor = 0_u64;
        let mut started = false;
        loop {
            self.keys.resize_with(self.batch, MaybeUninit::uninit);
            self.values
                .resize_with(self.batch * self.width, MaybeUninit::uninit);
            let mut next = 0_u64;
            let mut attributes = Attributes {
                in_batch: if started { &raw const cursor as u64 } else { 0 },
                out_batch: &raw mut next as u64,
                keys: self.keys.as_mut_ptr() as u64,
                values: self.values.as_mut_ptr() as u64,
                count: u32::try_from(self.batch).map_err(io::Error::other)?,
                map_fd: map.as_raw_fd().cast_unsigned(),
                elem_flags: 0,
                flags: 0,
            };
            // SAFETY: the attributes point to buffers as long as they say, alive during the call.
            let last = match unsafe { bpf::call(BPF_MAP_LOOKUP_BATCH, &mut attributes) } {
                Ok(_) => false,
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => true,
                Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => {
                    self.batch *= 2;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let count = attributes.count as usize;
            for (key, values) in self.keys[..count]
                .iter()
                .zip(self.values.chunks_exact(self.width))
            {
                // SAFETY: the kernel has written `count` keys with `width` values each, and every
                // bit pattern is a valid `Pod`.
                let (key, values) = unsafe { (key.assume_init_ref(), values.assume_init_ref()) };
                each(key, values);
            }
            if last {
                return Ok(());
            }
            cursor = next;
            started = true;
        }
    }
}
