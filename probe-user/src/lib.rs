//! The probe's agent: what talks to what, how much, and which process did it.

pub mod identity;
