//! Builds, runs and tests the probe.
fn main() {}
