//! The kernel programs, one file a probe: at BTF tracepoints, and where there is none at functions or the
//! root cgroup. No kprobes.
//!
//! Each program is a shell over one `try_…` function; what that could not do is a [`Loss`], counted
//! for user space to show.
//!
//! [`Loss`]: probe_ebpf::loss::Loss
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]
#![expect(
    clippy::inline_always,
    reason = "a call costs a stack frame of the 512 bytes, and the verifier loses track of pointers"
)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "registers have 64 bits, and what is cut is meant to be"
)]
#![expect(
    clippy::needless_borrows_for_generic_args,
    reason = "maps take addresses: what is given by value is copied to the stack for one"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "the entry points' signatures are the macro's"
)]

mod atomic;
mod call;
mod cgroup;
mod connections;
mod datagram;
mod datagram_peer;
mod dns_answers;
mod file_call;
mod file_path;
mod file_scratch;
mod flows;
mod halves;
mod kernel;
mod listeners;
mod live_sockets;
mod losses;
mod memory;
mod oom_kill;
mod open_file;
mod open_sockets;
mod payload;
mod payload_exit;
mod process;
mod records;
mod resets;
mod said;
mod sched_clock;
mod socket;
mod standing;
mod storage;
mod tcp_life;
mod top_files;
mod traffic;
mod traffic_exit;
mod traffic_files;
mod unix;
mod user_memory;
mod wanted;
mod word;

/// Helpers such as `bpf_probe_read_kernel` are for GPL-compatible programs only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";

/// The verifier proves that no program reaches this.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
