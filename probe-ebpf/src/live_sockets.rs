//! Once a tick: sockets that are open tell their flows what they have counted.
//!
//! User space reads this iterator like a file and gets nothing from it; the work is done on the
//! way. It costs per open socket, whatever they carried, and user space sees flows only.

use core::ffi::c_void;

use crate::{
    losses::counted,
    memory::{Entry, Memory, STAGE_LISTENING, STAGE_UNIX},
    socket::Socket,
    tcp_life::LISTEN,
};

/// `struct bpf_iter__bpf_sk_storage_map`.
#[repr(C)]
struct Element {
    meta: *const c_void,
    map: *const c_void,
    sk: *const c_void,
    value: *mut Memory,
}

/// `bpf_iter_bpf_sk_storage_map`, since 5.9.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/bpf_sk_storage_map")]
extern "C" fn live_sockets(element: *const c_void) -> i32 {
    let element: *const Element = element.cast();
    // SAFETY: the context of this iterator.
    let (sk, value) = unsafe { ((*element).sk, (*element).value) };
    if sk.is_null() || value.is_null() {
        return 0; // after the last one
    }
    // SAFETY: both are alive while the iterator stands on them.
    let (socket, entry) = unsafe { (Socket::new(sk), Entry::new(value)) };
    // SAFETY: a live entry.
    let stage = unsafe { (*entry.as_ptr()).stage };
    let told = match stage {
        // An accepted socket is born with its listener's stage.
        STAGE_LISTENING if socket.state() == LISTEN => entry.tell_overflows(socket),
        STAGE_UNIX | STAGE_LISTENING => Ok(()),
        _ if entry.has_news(socket) => entry.tell(socket),
        _ => Ok(()),
    };
    counted("live_sockets", told)
}
