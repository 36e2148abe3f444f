//! What name servers answer to anybody on this host: the only hook that sees every packet received,
//! so nearly all are left after three loads from the headers. It allows everything.
//!
//! A receive call would have to be told from others as dearly, and would need the caller's memory
//! to be read; a packet is there, whoever asked and however.

use core::arch::asm;

use aya_ebpf::{
    bindings::BPF_RB_NO_WAKEUP,
    btf_maps::RingBuf,
    helpers::generated::bpf_skb_load_bytes,
    macros::{btf_map, cgroup_skb},
    programs::SkBuffContext,
};
use probe_ebpf::{
    dns::{DnsMessage, MESSAGE_LEN},
    loss::Loss,
};

use crate::losses::counted;

const ALLOW: i32 = 1;

const IPPROTO_UDP: u8 = 17;
/// Port 53, in network byte order.
const DOMAIN: u16 = 53_u16.to_be();
/// Of a UDP header.
const UDP_LEN: usize = 8;

/// Holds some 500 messages, which user space takes out once a tick; when full, new ones are counted.
const RING_BYTES: usize = 256 * 1024;

#[btf_map]
static ANSWERS: RingBuf<DnsMessage, RING_BYTES> = RingBuf::new();

/// Since 5.0, which lets it read packets directly.
#[cgroup_skb(ingress)]
fn dns_answers(ctx: SkBuffContext) -> i32 {
    if let Some(start) = answer(&ctx) {
        counted("dns_answers", copy(&ctx, start));
    }
    ALLOW
}

/// Where the message starts in a datagram from port 53. One with options in its header, or that came
/// in parts, is left: name servers send none.
#[inline(always)]
fn answer(ctx: &SkBuffContext) -> Option<usize> {
    // SAFETY: the program's context; what is between the two is the packet from its IP header on.
    let (data, end) = unsafe {
        (
            (*ctx.skb.skb).data as usize as *const u8,
            (*ctx.skb.skb).data_end as usize as *const u8,
        )
    };
    // SAFETY: the verifier checks that nothing is read before the bound was.
    unsafe {
        if data.add(20 + UDP_LEN) > end {
            return None;
        }
        // Version and length of the header.
        let header = match data.read() {
            0x45 if data.add(9).read() == IPPROTO_UDP => 20,
            0x60..=0x6f if data.add(6).read() == IPPROTO_UDP => 40,
            _ => return None,
        };
        if data.add(header + UDP_LEN) > end {
            return None;
        }
        let from = data.add(header).cast::<u16>().read_unaligned();
        (from == DOMAIN).then_some(header + UDP_LEN)
    }
}

#[inline(always)]
fn copy(ctx: &SkBuffContext, start: usize) -> Result<(), Loss> {
    let mut entry = ANSWERS
        .reserve_untyped::<DnsMessage>(0)
        .ok_or(Loss::AnswersFull)?;
    let message = entry.as_mut_ptr();
    let length = bounded(ctx.skb.len().saturating_sub(start as u32));
    // SAFETY: the entry has room for a message, and `length` is at most its bytes'.
    let failed = unsafe {
        (*message).length = length;
        (*message).pad = 0;
        // A packet of headers alone has no byte to load, which is an error.
        bpf_skb_load_bytes(
            ctx.skb.skb.cast(),
            start as u32,
            (&raw mut (*message).bytes).cast(),
            length,
        )
    };
    if failed == 0 {
        entry.submit(BPF_RB_NO_WAKEUP.into());
    } else {
        entry.discard(BPF_RB_NO_WAKEUP.into());
    }
    Ok(())
}

/// At least one and at most as many bytes as a message has room for, where the verifier sees it:
/// "R4 invalid zero-sized read: u64=[0,4294967295]", once the compiler has moved the bounds away.
#[inline(always)]
fn bounded(length: u32) -> u32 {
    let mut length = u64::from(length);
    // SAFETY: does nothing, to a value that the compiler must forget what it knew of.
    unsafe { asm!("/* {length} */", length = inout(reg) length, options(nomem, nostack)) };
    if length > MESSAGE_LEN as u64 {
        return MESSAGE_LEN as u32;
    }
    // A comparison with zero teaches 6.1 nothing: "invalid access to memory, mem_size=520 off=8
    // size=0".
    (length.wrapping_sub(1) & (MESSAGE_LEN as u64 - 1)) as u32 + 1
}
