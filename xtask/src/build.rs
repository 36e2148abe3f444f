//! `cargo xtask build`: one file, `target/release/probe`, with the kernel programs inside.

use anyhow::Result;

use crate::line::Line;
use crate::need::{self, bpf};

/// Builds the probe. Its own build script compiles the kernel programs and embeds them.
pub(crate) fn build() -> Result<()> {
    need::meet(&[&bpf::COMPILER, &bpf::BPF_LINKER])?;
    Line::cargo()
        .args(["build", "--release", "--package", "probe-user"])
        .run()
}
