//! Connections that stand when they are met: those from before the probe, and those whose beginning was
//! missed.
//!
//! The kernel does not run a program that would interrupt itself on its CPU: it counts the run as
//! missed and goes on. A change of state that an interrupt brings may come while a call makes another,
//! some four times in ten million. What such a run would have done is done when the socket is next met.

use probe_ebpf::loss::Loss;

use crate::{
    atomic::{add, exchange},
    call::Call,
    flows, halves,
    kernel::Process,
    listeners,
    memory::{Entry, STAGE_OPEN, STAGE_SHUT, table},
    open_sockets,
    socket::{Position, Socket},
    tcp_life::{CLOSE_WAIT, ESTABLISHED, join_flow, offer, stands},
};

/// Lets a connection that stood before the probe came count from now on.
#[inline(always)]
pub(crate) fn resume(
    socket: Socket,
    active: bool,
    owner: &Process,
    position: &Position,
) -> Result<(), Loss> {
    let Some(Resumed { entry, peer }) = take_up(socket, active, owner, position)? else {
        return Ok(());
    };
    // SAFETY: a live entry.
    let flow = unsafe { (*entry.as_ptr()).flow };
    if let Some(half) = offer(active, position.origin(active), flow, peer) {
        halves::keep(half, flow);
    }
    existed(flow);
    Ok(())
}

#[inline(always)]
fn existed(flow: u64) {
    if let Some(counters) = flows::counters(flow) {
        // SAFETY: a live map value.
        unsafe { add(&raw mut (*counters).existing, 1) };
    }
}

/// A connection that has its flow.
struct Resumed {
    entry: Entry,
    /// The flow of the client's end that it was matched with, 0 for none.
    peer: u64,
}

/// Gives a connection that stands its memory and its flow, in which it counts from `position` on; `None`
/// if it has them already.
#[inline(always)]
fn take_up(
    socket: Socket,
    active: bool,
    owner: &Process,
    position: &Position,
) -> Result<Option<Resumed>, Loss> {
    if table::find(socket.address()).is_some() {
        return Ok(None); // its connect or accept was seen
    }
    let entry = socket.lasting_memory_or_new()?;
    // SAFETY: a live entry.
    unsafe {
        if (*entry.as_ptr()).flow != 0 {
            return Ok(None); // the same, or another process shares it
        }
        (*entry.as_ptr()).comm = owner.comm;
        (*entry.as_ptr()).pid = owner.pid;
    }
    let origin = position.origin(active);
    entry.resume(active, origin, position);
    let Some(peer) = join_flow(socket, entry, active, origin, owner)? else {
        return Ok(None);
    };
    if !matches!(socket.state(), ESTABLISHED | CLOSE_WAIT) {
        // As of `position`, the FIN included: it is not new either.
        // SAFETY: as above.
        unsafe { (*entry.as_ptr()).stage = STAGE_SHUT };
    }
    Ok(Some(Resumed { entry, peer }))
}

/// Lets a connection that nobody has told of count from the call on in which it is met: its beginning
/// was missed, or no process had it open when the probe came, as those that `io_uring` holds.
#[inline(always)]
pub(crate) fn meet(socket: Socket, call: Call) -> Result<Option<Entry>, Loss> {
    if !open_sockets::are_known() || !socket.is_in_view() || !socket.is_of_a_program() {
        return Ok(None);
    }
    if !stands(socket.state()) {
        return Ok(None);
    }
    let Some(position) = socket.position() else {
        return Ok(None);
    };
    let listener = listeners::owner(socket);
    let active = listener.pid == 0;
    let owner = if active {
        Process::current()
    } else {
        Process {
            cgroup: socket.cgroup(),
            pid: listener.pid,
            comm: listener.comm,
        }
    };
    let position = position.before(call);
    // Its half is kept by none: other hosts find those of the flow's other connections.
    let Some(Resumed { entry, .. }) = take_up(socket, active, &owner, &position)? else {
        return Ok(None);
    };
    // SAFETY: a live entry.
    unsafe {
        if position.is_at(position.origin(active)) {
            add(&raw mut (*entry.as_ptr()).pending.opened, 1);
        } else {
            existed((*entry.as_ptr()).flow);
        }
    }
    Ok(Some(entry))
}

/// Lets the client's end of a connection know that it stands: the answer to its SYN was missed. How
/// long that took is not known any more.
#[inline(always)]
pub(crate) fn overdue(entry: Entry, position: &Position) {
    let memory = entry.as_ptr();
    // SAFETY: a live entry. Whoever takes the time is who does it.
    unsafe {
        if exchange(&raw mut (*memory).since, 0) == 0 {
            return;
        }
        let origin = position.origin(true);
        entry.begin(true, origin, position);
        halves::keep(origin, (*memory).flow);
        add(&raw mut (*memory).pending.opened, 1);
        (&raw mut (*memory).stage).write_volatile(STAGE_OPEN);
    }
}
