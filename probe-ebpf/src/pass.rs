//! The passes over what existed before the probe, in their order.

/// Listeners: whose they are, and on which ports.
pub const PASS_LISTENERS: u32 = 0;
/// Connections that this host's processes opened.
pub const PASS_CLIENTS: u32 = 1;
/// Connections that they accepted.
pub const PASS_SERVERS: u32 = 2;
/// No pass any more: all of it is known.
pub const PASS_OVER: u32 = 3;
