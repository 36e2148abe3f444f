//! The BPF toolchain: a compiler with a `core` for BPF, and bpf-linker.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Need, Step, Way, apt, packages};
use crate::line::Line;
use crate::machine;

/// Debian's compiler with a prebuilt `core` for BPF, as its packages leave it.
pub(crate) const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// Its cargo.
pub(crate) const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_BPF_CORE: &str = "/usr/lib/rustlib/bpfel-unknown-none";

/// bpf-linker is pinned: a newer one may ask for a newer LLVM than Debian has.
const LINKER: [&str; 3] = ["bpf-linker", "--version", "0.13.0"];

/// A compiler that knows BPF. No stable one from rustup does: it has no `core` for it.
pub(crate) const COMPILER: Need = Need {
    name: "the BPF compiler",
    met: || debian_compiler() || nightly_with_source(),
    ways: &[
        Way {
            open: apt::usable,
            steps: || {
                Ok(vec![packages(&[
                    "rustc-web",
                    "cargo-web",
                    "libstd-rust-web-dev-bpf",
                ])])
            },
        },
        Way {
            open: || machine::program("rustup").is_some(),
            steps: || {
                let args = ["toolchain", "install", "nightly", "--component", "rust-src"];
                Ok(vec![Step::Run(Line::new("rustup").args(args))])
            },
        },
    ],
    by_hand: &["rustup toolchain install nightly --component rust-src"],
};

/// The linker. It reads the compiler's bitcode, so its LLVM must be the compiler's.
pub(crate) const BPF_LINKER: Need = Need {
    name: "bpf-linker",
    met: || machine::program("bpf-linker").is_some(),
    ways: &[
        Way {
            open: || apt::usable() && debian_compiler(),
            steps: || {
                let llvm = debian_llvm()?;
                let (llvm_dev, polly) =
                    (format!("llvm-{llvm}-dev"), format!("libpolly-{llvm}-dev"));
                let names = [&llvm_dev, &polly, "zlib1g-dev", "libzstd-dev", "g++"];
                Ok(vec![packages(&names), Step::Run(linked_with(&llvm)?)])
            },
        },
        // The released binary carries the LLVM of rustup's nightly.
        Way {
            open: || !debian_compiler() && machine::program("cargo-binstall").is_some(),
            steps: || {
                let args = ["binstall", "--no-confirm", "bpf-linker"];
                Ok(vec![Step::Run(Line::cargo().args(args))])
            },
        },
        Way {
            open: || !debian_compiler(),
            steps: || Ok(vec![Step::Run(install_line())]),
        },
    ],
    by_hand: &["cargo install bpf-linker"],
};

/// Whether Debian's BPF compiler is there.
pub(crate) fn debian_compiler() -> bool {
    [DEBIAN_RUSTC, DEBIAN_CARGO, DEBIAN_BPF_CORE]
        .iter()
        .all(|file| Path::new(file).exists())
}

/// Whether rustup has a nightly that can build `core` itself.
fn nightly_with_source() -> bool {
    let toolchains = machine::rustup_toolchains().and_then(|path| path.read_dir().ok());
    toolchains
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("nightly-"))
        .any(|entry| {
            entry
                .path()
                .join("lib/rustlib/src/rust/library/core/Cargo.toml")
                .exists()
        })
}

/// The major version of the LLVM inside Debian's compiler, which moves with security updates.
fn debian_llvm() -> Result<String> {
    let line = Line::of_another_toolchain(DEBIAN_RUSTC).arg("-vV");
    let version = line.stdout()?;
    let major = version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: ")?.split('.').next());
    major
        .map(str::to_owned)
        .with_context(|| format!("`{line}` does not say its LLVM version"))
}

fn linked_with(llvm: &str) -> Result<Line> {
    let prefix = format!("/usr/lib/llvm-{llvm}");
    let mut path = OsString::from(format!("{prefix}/bin:"));
    path.push(env::var_os("PATH").context("PATH is not set")?);
    Ok(install_line()
        .args([
            "--no-default-features",
            "--features",
            &format!("llvm-{llvm}"),
        ])
        .env("LLVM_PREFIX", prefix)
        .env("PATH", path))
}

/// Built apart from the workspace's own things, and with none of its flags.
fn install_line() -> Line {
    Line::cargo()
        .args(["install", "--locked", "--quiet"])
        .args(LINKER)
        .without_env("RUSTFLAGS")
        .without_env("CARGO_TARGET_DIR")
}
