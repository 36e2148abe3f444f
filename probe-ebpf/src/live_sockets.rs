//! Once a tick: sockets that are still open hand what they have counted to their flows.
//!
//! User space reads this iterator like a file and gets nothing from it; the work is done on the
//! way. It costs per open socket, whatever they carried, and user space sees flows only.

use core::ffi::c_void;

use crate::{
    flows,
    losses::counted,
    socket::{Pending, SocketState},
};
use probe_ebpf::loss::Loss;

/// `struct bpf_iter__bpf_sk_storage_map`.
#[repr(C)]
struct Element {
    meta: *const c_void,
    map: *const c_void,
    sk: *const c_void,
    value: *mut SocketState,
}

/// `bpf_iter_bpf_sk_storage_map`, since 5.9.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/bpf_sk_storage_map")]
extern "C" fn live_sockets(element: *const c_void) -> i32 {
    // SAFETY: the context of this iterator.
    let state = unsafe { (*element.cast::<Element>()).value };
    if state.is_null() {
        return 0; // after the last one
    }
    counted(hand_over(state));
    0
}

#[inline(always)]
fn hand_over(state: *mut SocketState) -> Result<(), Loss> {
    // SAFETY: the entry is alive while the iterator stands on it.
    unsafe {
        let pending = &raw mut (*state).pending;
        let Pending {
            opened,
            closed,
            failed,
            sends,
            receives,
            ..
        } = *pending;
        if (*state).flow == 0 || opened | closed | failed | sends | receives == 0 {
            return Ok(());
        }
        let counters = flows::counters((*state).flow).ok_or(Loss::CountersGone)?;
        Pending::move_to(pending, counters);
    }
    Ok(())
}
