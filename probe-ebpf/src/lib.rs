//! The ABI between the kernel programs and user space.
//!
//! Everything here is plain integers with explicit padding, the same bytes on both sides: size and
//! offsets are asserted at compile time, and every bit pattern is a valid value, so that decoding
//! is a length check and a copy.
#![no_std]

pub mod dns;
pub mod field;
pub mod file;
pub mod flow;
pub mod half;
pub mod hot;
pub mod loss;
pub mod message;
pub mod pass;
pub mod record;
pub mod sequence;
pub mod spread;
