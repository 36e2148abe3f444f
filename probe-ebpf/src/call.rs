//! A send or receive call that has ended: what it moved, and which way.

use probe_ebpf::flow::FlowCounters;

use crate::atomic::add;

/// Which way the payload went.
#[derive(Clone, Copy)]
pub(crate) enum Direction {
    /// From the program.
    Send,
    /// To the program.
    Receive,
}

/// One call.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) direction: Direction,
    /// Bytes, or a negative errno.
    pub(crate) returned: i32,
    /// Not a look at what stays in the queue, and no report of an error.
    pub(crate) moves: bool,
}

impl Call {
    /// Adds the call and its bytes to a flow.
    ///
    /// # Safety
    ///
    /// `counters` is live.
    #[inline(always)]
    pub(crate) unsafe fn count(&self, counters: *mut FlowCounters) {
        let bytes = self.returned.cast_unsigned();
        // SAFETY: by the caller's promise.
        unsafe {
            match self.direction {
                Direction::Send => {
                    add(&raw mut (*counters).sends, 1);
                    add(&raw mut (*counters).bytes_sent, bytes.into());
                }
                Direction::Receive => {
                    add(&raw mut (*counters).receives, 1);
                    add(&raw mut (*counters).bytes_received, bytes.into());
                }
            }
        }
    }
}
