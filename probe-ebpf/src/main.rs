//! The kernel programs: BTF tracepoints only, one file a probe.
//!
//! Each program is a shell over one `try_…` function; what that could not do is a [`Loss`], counted
//! for user space to show.
//!
//! [`Loss`]: probe_ebpf::loss::Loss
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod atomic;
mod cgroup;
mod flows;
mod kernel;
mod live_sockets;
mod losses;
mod payload;
mod process;
mod records;
mod socket;
mod tcp_life;

/// Helpers such as `bpf_probe_read_kernel` are for GPL-compatible programs only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";

/// The verifier proves that no program reaches this.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
