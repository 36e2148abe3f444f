//! What existed before the probe: every task's files, looked over once, in every network namespace.
//!
//! User space reads this iterator three times, each time with another pass in `PASS`: listeners,
//! whose ports tell servers from clients; then clients, who offer their halves; then servers, who
//! take them.

use core::ffi::c_void;

use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    btf_maps::{Array, HashMap},
    helpers::generated::bpf_sock_from_file,
    macros::btf_map,
};
use probe_ebpf::{
    loss::Loss,
    pass::{PASS_CLIENTS, PASS_LISTENERS, PASS_OVER, PASS_SERVERS},
};

use crate::{
    kernel::{
        CSS_SET_CGROUP, Process, SOCKET_SK, TASK_CSS_SET, TASK_LEADER, TASK_TGID, cgroup_id,
        comm_of,
    },
    losses::counted,
    socket::Socket,
    standing::resume,
    tcp_life::{LISTEN, listening, stands},
};

/// Which pass this is; the one entry is set by user space.
#[btf_map]
static PASS: Array<u32, 1> = Array::new();

/// A port somebody listens on.
#[repr(C)]
#[derive(Clone, Copy)]
struct ListenKey {
    netns: u32,
    port: u32,
}

/// Filled in the first pass. Full: connections accepted on a port that did not fit count as their
/// client's, in the wrong direction.
#[btf_map]
static LISTENERS: HashMap<ListenKey, u32, 16_384, { BPF_F_NO_PREALLOC as usize }> = HashMap::new();

/// Whether all passes are over: what stood before is known then.
#[inline(always)]
pub(crate) fn are_known() -> bool {
    PASS.get(0).is_some_and(|pass| *pass == PASS_OVER)
}

/// `struct bpf_iter__task_file`.
#[repr(C)]
struct TaskFile {
    meta: *const c_void,
    task: *const c_void,
    fd: u32,
    pad: u32,
    file: *const c_void,
}

/// `bpf_iter_task_file`, since 5.8; `bpf_sock_from_file`, since 5.11.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task_file")]
extern "C" fn open_sockets(context: *const c_void) -> i32 {
    let context: *const TaskFile = context.cast();
    // SAFETY: the context of this iterator.
    let (task, file) = unsafe { ((*context).task, (*context).file) };
    if task.is_null() || file.is_null() {
        return 0; // after the last one
    }
    counted("open_sockets", look(task, file));
    0
}

#[inline(always)]
fn look(task: *const c_void, file: *const c_void) -> Result<(), Loss> {
    let Some(pass) = PASS.get(0).copied() else {
        return Ok(());
    };
    // SAFETY: a file, by the iterator's context; the helper says whether it is a socket.
    let socket = unsafe { bpf_sock_from_file(file.cast_mut().cast()) };
    if socket.is_null() {
        return Ok(());
    }
    // SAFETY: as the helper says.
    let sk = unsafe { SOCKET_SK.follow(socket.cast_const().cast()) };
    if sk.is_null() {
        return Ok(());
    }
    // SAFETY: the file keeps its socket alive.
    let socket = unsafe { Socket::new(sk) };
    if !socket.is_tcp() || !socket.is_in_view() {
        return Ok(());
    }
    // SAFETY: a task, by the iterator's context.
    let owner = unsafe {
        Process {
            cgroup: cgroup_id(CSS_SET_CGROUP.follow(TASK_CSS_SET.follow(task))),
            pid: TASK_TGID.read(task),
            comm: comm_of(TASK_LEADER.follow(task)),
        }
    };
    let key = ListenKey {
        netns: socket.netns(),
        port: u32::from(socket.local_port()),
    };
    match (pass, socket.state()) {
        (PASS_LISTENERS, LISTEN) => {
            LISTENERS
                .insert(&key, &owner.pid, 0)
                .map_err(|_| Loss::FlowMapFull)?;
            listening(socket, &owner)
        }
        (PASS_CLIENTS | PASS_SERVERS, state) if stands(state) => {
            // SAFETY: nothing is read but whether there is an entry.
            let active = unsafe { LISTENERS.get(&key) }.is_none();
            if active != (pass == PASS_CLIENTS) {
                return Ok(());
            }
            match socket.position() {
                Some(position) => resume(socket, active, &owner, &position),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}
