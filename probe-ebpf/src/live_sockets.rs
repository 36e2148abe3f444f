//! Once a tick: sockets that are open tell their flows what they have counted.
//!
//! User space reads these iterators like files and gets nothing from them; the work is done on the
//! way. It costs per open socket, whatever they carried, and user space sees flows only.

use core::ffi::c_void;

use probe_ebpf::loss::Loss;

use crate::{
    kernel::Address,
    losses::counted,
    memory::{Entry, Memory, STAGE_CONNECTING, STAGE_LISTENING, STAGE_UNIX, table::Slot},
    socket::{Position, Socket},
    standing::overdue,
    tcp_life::stands,
};

/// `struct bpf_iter__bpf_sk_storage_map`.
#[repr(C)]
struct Stored {
    meta: *const c_void,
    map: *const c_void,
    sk: *const c_void,
    value: *mut Memory,
}

/// `struct bpf_iter__bpf_map_elem`.
#[repr(C)]
struct Element {
    meta: *const c_void,
    map: *const c_void,
    key: *const u32,
    value: *mut Slot,
}

/// Those that have storage. `bpf_iter_bpf_sk_storage_map`, since 5.9.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/bpf_sk_storage_map")]
extern "C" fn live_sockets(stored: *const c_void) -> i32 {
    let stored: *const Stored = stored.cast();
    // SAFETY: the context of this iterator.
    let (sk, value) = unsafe { ((*stored).sk, (*stored).value) };
    if sk.is_null() || value.is_null() {
        return 0; // after the last one
    }
    // SAFETY: both are alive while the iterator stands on them.
    let (socket, entry) = unsafe { (Socket::new(sk), Entry::new(value)) };
    let told = look(socket.address(), entry, || socket.position());
    counted("live_sockets", told)
}

/// Those that have a slot. `bpf_iter_bpf_map_elem`, since 5.8.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/bpf_map_elem")]
extern "C" fn live_slots(element: *const c_void) -> i32 {
    let element: *const Element = element.cast();
    // SAFETY: the context of this iterator.
    let slot = unsafe { (*element).value };
    if slot.is_null() {
        return 0; // after the last one
    }
    // SAFETY: a live map value.
    let Some((socket, entry)) = (unsafe { Slot::visit(slot) }) else {
        return 0;
    };
    let told = look(socket, entry, || {
        let position = socket.position();
        // SAFETY: as above. Of a socket that went meanwhile it may be anybody's.
        unsafe { Slot::is_held(slot) }.then_some(position)
    });
    // SAFETY: as above.
    unsafe { Slot::go_on(slot, socket) };
    counted("live_slots", told)
}

#[inline(always)]
fn look(
    socket: Address,
    entry: Entry,
    position: impl FnOnce() -> Option<Position>,
) -> Result<(), Loss> {
    let memory = entry.as_ptr();
    // SAFETY: a live entry.
    match unsafe { (*memory).stage } {
        STAGE_LISTENING => entry.tell_overflows(socket),
        STAGE_UNIX => Ok(()),
        // A socket's state is told before it is set: asked for in this order, both are of one moment.
        STAGE_CONNECTING if stands(socket.state()) && entry.is_connecting() => {
            if let Some(position) = position() {
                overdue(entry, &position);
            }
            Ok(())
        }
        _ if entry.has_news(socket) => entry.tell(position),
        _ => Ok(()),
    }
}
