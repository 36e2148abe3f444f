//! The probe's agent: what talks to what, how much, and which process did it.
//!
//! Data runs one way: `kernel` → `identity` → `topology` → `views` and `export`. `ARCHITECTURE.md`
//! has the map.

pub mod agent;
pub mod cli;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod export;
pub mod filter;
#[cfg(test)]
mod fuzz;
pub mod identity;
pub mod ids;
pub mod kernel;
pub mod least;
pub mod notify;
pub mod remote;
pub mod sandbox;
pub mod serve;
pub mod tls;
pub mod top;
pub mod topology;
pub mod usage;
pub mod views;
