//! Losses counted in the kernel: one per-CPU array, one slot a cause.

/// Why something the kernel saw did not reach user space. The value is the slot's index.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loss {
    /// A socket whose flow did not fit into the flow map: its traffic is not counted.
    FlowMapFull = 0,
    /// A socket whose memory (`sk_storage`) could not be allocated: its traffic is not counted.
    SocketStorage = 1,
    /// A record that did not fit into the ring.
    RingFull = 2,
    /// A send or receive whose flow's counters were gone.
    CountersGone = 3,
}

impl Loss {
    /// Every cause, in the order of its slot.
    pub const ALL: [Self; 4] = [
        Self::FlowMapFull,
        Self::SocketStorage,
        Self::RingFull,
        Self::CountersGone,
    ];
}

const _: () = {
    let mut index = 0;
    while index < Loss::ALL.len() {
        assert!(Loss::ALL[index] as usize == index);
        index += 1;
    }
};
