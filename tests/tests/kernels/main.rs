//! What must hold on every kernel that matters. `cargo xtask test --kernel` runs these inside others,
//! where an instruction takes some fifteen times as long: few containers, few connections.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod traffic;
mod verified;
