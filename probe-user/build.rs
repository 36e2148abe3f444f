//! Builds the kernel programs and leaves the object in `OUT_DIR/probe-ebpf`.
//!
//! Two compilers can: Debian's `rustc-web` packages, which carry `core` for BPF ready-made, and
//! rustup's nightly with `rust-src`, which builds `core` first. `cargo xtask build` installs one.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

const TARGET: &str = "bpfel-unknown-none";

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let manifest = variable("CARGO_MANIFEST_DIR")?;
    let workspace = manifest.parent().ok_or("the package has no workspace")?;
    for path in ["probe-ebpf", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    let out = variable("OUT_DIR")?;
    // A target directory of its own: cargo holds a lock on the one it is building in.
    let target_dir = out.join("bpf");
    let status = compiler()?
        .current_dir(workspace)
        .args(["--package", "probe-ebpf", "--bin", "probe-ebpf"])
        .args(["--features", "programs", "--release", "--locked"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&target_dir)
        // The linker makes BTF from debug info; without function info the verifier refuses the
        // programs' functions. A profile's setting would not reach `core`, so flags carry it.
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            "-Cdebuginfo=2\x1f-Clink-arg=--btf",
        )
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        // Else aya takes the registers of the machine that builds for those of the one that runs.
        .env("AYA_BPF_TARGET_ARCH", variable("CARGO_CFG_TARGET_ARCH")?)
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTC_WRAPPER")
        .status()
        .map_err(|error| format!("cannot start cargo for the kernel programs: {error}"))?;
    if !status.success() {
        return Err("the kernel programs did not build: see above".to_owned());
    }
    let object = target_dir.join(TARGET).join("release/probe-ebpf");
    copy_if_changed(&object, &out.join("probe-ebpf"))
        .map_err(|error| format!("cannot copy {}: {error}", object.display()))
}

/// A `cargo build` that can compile for BPF.
fn compiler() -> Result<Command, String> {
    let debian = Path::new("/usr/bin/rustc");
    if has_bpf_core(debian) {
        let mut cargo = Command::new("/usr/bin/cargo");
        cargo
            .arg("build")
            .env("RUSTC", debian)
            // It is a stable compiler, and the programs use inline assembly for BPF.
            .env("RUSTC_BOOTSTRAP", "1");
        return Ok(cargo);
    }
    if has_rust_src() {
        let mut cargo = Command::new("rustup");
        cargo
            .args(["run", "nightly", "cargo", "build", "-Zbuild-std=core"])
            .env_remove("RUSTC");
        return Ok(cargo);
    }
    Err("no Rust compiler here can build for BPF; `cargo xtask build` installs one".to_owned())
}

fn sysroot(rustc: &mut Command) -> Option<PathBuf> {
    let output = rustc.args(["--print", "sysroot"]).output().ok()?;
    let sysroot = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| PathBuf::from(sysroot.trim()))
}

fn has_bpf_core(rustc: &Path) -> bool {
    rustc.exists()
        && sysroot(&mut Command::new(rustc))
            .is_some_and(|root| root.join("lib/rustlib").join(TARGET).join("lib").exists())
}

fn has_rust_src() -> bool {
    let mut nightly = Command::new("rustup");
    nightly.args(["run", "nightly", "rustc"]);
    sysroot(&mut nightly).is_some_and(|root| root.join("lib/rustlib/src/rust/library").exists())
}

fn variable(name: &str) -> Result<PathBuf, String> {
    env::var_os(name)
        .map(PathBuf::from)
        .ok_or_else(|| format!("cargo did not set {name}"))
}

/// Leaves the file alone when it would be the same, so that nothing is built again for it.
fn copy_if_changed(from: &Path, to: &Path) -> io::Result<()> {
    let new = fs::read(from)?;
    if fs::read(to).is_ok_and(|old| old == new) {
        return Ok(());
    }
    fs::write(to, new)
}
