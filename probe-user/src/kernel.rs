//! The kernel side, seen from user space: loads the programs, reads what they count and record.
//!
//! What leaves this module is plain values: flow deltas, records, losses. It knows nothing of
//! containers.

pub mod answers;
pub mod batch;
mod bpf;
pub mod btf;
pub mod connections;
pub mod counts;
pub mod error;
mod fields;
pub mod file;
pub mod files;
pub mod flow;
pub mod flows;
pub mod halves;
mod hot;
pub mod live_sockets;
pub mod losses;
pub mod messages;
mod missed;
pub mod object;
pub mod open_sockets;
pub mod privileges;
pub mod programs;
pub mod records;
pub mod refused;
mod take;
