//! Losses counted in the kernel: one per-CPU array, one slot a cause.

/// Why something the kernel saw did not reach user space. The value is the slot's index.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loss {
    /// A socket whose flow did not fit into the flow map: it counts for its cgroup's `other` flow.
    FlowMapFull = 0,
    /// A socket whose memory (a slot, or `sk_storage`) could not be allocated: its traffic is not counted.
    SocketStorage = 1,
    /// A record that did not fit into the ring.
    RingFull = 2,
    /// A send or receive whose flow's counters were gone.
    CountersGone = 3,
    /// A datagram whose other end cannot be known: it counts for no flow.
    PeerUnknown = 4,
    /// A socket that found neither a flow nor room for its cgroup's `other` flow: not counted.
    OthersFull = 5,
    /// A message that did not fit into the ring of messages.
    MessagesFull = 6,
    /// A name server's answer that did not fit into its ring, or lay where it cannot be read.
    AnswersFull = 7,
    /// A read or write of a file that found no room: it counts for its cgroup's rest.
    FilesFull = 8,
    /// The same, where there was no room for the rest either: not counted.
    FileRestFull = 9,
    /// A connection's record that found no room.
    ConnectionsFull = 10,
}

impl Loss {
    /// Every cause, in the order of its slot.
    pub const ALL: [Self; 11] = [
        Self::FlowMapFull,
        Self::SocketStorage,
        Self::RingFull,
        Self::CountersGone,
        Self::PeerUnknown,
        Self::OthersFull,
        Self::MessagesFull,
        Self::AnswersFull,
        Self::FilesFull,
        Self::FileRestFull,
        Self::ConnectionsFull,
    ];
}

const _: () = {
    let mut index = 0;
    while index < Loss::ALL.len() {
        assert!(Loss::ALL[index] as usize == index);
        index += 1;
    }
};
