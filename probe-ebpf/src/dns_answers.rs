//! What name servers answer to anybody on this host, whoever asked and however.

use core::{arch::asm, ffi::c_void};

use aya_ebpf::{
    bindings::BPF_RB_NO_WAKEUP,
    btf_maps::{ProgramArray, RingBuf},
    helpers::{
        bpf_probe_read_kernel,
        generated::{
            bpf_probe_read_kernel as bpf_probe_read_kernel_bytes, bpf_probe_read_user,
            bpf_skb_load_bytes,
        },
    },
    macros::{btf_map, btf_tracepoint, cgroup_skb, fentry},
    programs::{BtfTracePointContext, FEntryContext, SkBuffContext},
};
use probe_ebpf::{
    dns::{DnsMessage, MESSAGE_LEN},
    loss::Loss,
};

use crate::{
    call::Direction,
    kernel::{PACKET_DATA, PACKET_LEN, PACKET_PAGED_LEN},
    losses::counted,
    user_memory::{self, piece},
};

const ALLOW: i32 = 1;

const IPPROTO_UDP: u8 = 17;
/// The port of name servers.
pub(crate) const DOMAIN: u16 = 53;
/// Of a UDP header.
const UDP_LEN: usize = 8;

/// Holds some 500 messages, which user space takes out once a tick; when full, new ones are counted.
const RING_BYTES: usize = 256 * 1024;

#[btf_map]
static ANSWERS: RingBuf<DnsMessage, RING_BYTES> = RingBuf::new();

/// `skb_consume_udp(struct sock *sk, struct sk_buff *skb, int len)`, since 4.10: a program has received
/// a datagram, whose header is just before its data.
#[fentry(function = "skb_consume_udp")]
fn skb_consume_udp(ctx: FEntryContext) -> i32 {
    let packet: *const c_void = ctx.arg(1);
    // SAFETY: the function's argument is a packet.
    let (data, length, paged) = unsafe {
        (
            PACKET_DATA.read(packet),
            PACKET_LEN.read(packet),
            PACKET_PAGED_LEN.read(packet),
        )
    };
    let header = data.wrapping_sub(UDP_LEN as u64) as *const u16;
    // SAFETY: the helper checks the source.
    if unsafe { bpf_probe_read_kernel(header) } != Ok(DOMAIN.to_be()) || length == 0 {
        return 0;
    }
    // What a driver has left in pages of its own is out of reach: few do, of so short a packet.
    let copied = if length == paged {
        Err(Loss::AnswersFull)
    } else {
        submit(length.wrapping_sub(paged), |to, length| {
            // SAFETY: there is room, by `submit`; the helper checks the source.
            unsafe { bpf_probe_read_kernel_bytes(to, length, data as *const c_void) }
        })
    };
    counted("skb_consume_udp", copied)
}

/// How a receive call that got a datagram from [`DOMAIN`] goes on: with [`dns_received`], where user space
/// has put it here.
#[btf_map]
static RECEIVED: ProgramArray<1> = ProgramArray::new();

/// Ends a program that runs at `sock_recv_length`, in a call that got such a datagram.
#[inline(always)]
pub(crate) fn hear(ctx: &BtfTracePointContext) {
    // SAFETY: nothing here is to be dropped, and both programs have the same context.
    unsafe { RECEIVED.tail_call(ctx, 0) };
}

/// Where functions have no hooks, since 6.3: the message is in the program's own memory by now. What a
/// call took that [`user_memory`] does not know, as those of `io_uring`, is out of reach.
#[btf_tracepoint(function = "sock_recv_length")]
fn dns_received(ctx: BtfTracePointContext) -> i32 {
    let received = ctx.arg::<i32>(1).cast_unsigned();
    let memory = user_memory::of_first(Direction::Receive);
    let [base, room] = if memory.pieces {
        piece(memory.base, 0)
    } else {
        [memory.base, memory.count]
    };
    let length = u64::from(received).min(room) as u32;
    let copied = if received == 0 {
        Ok(())
    } else if length == 0 {
        Err(Loss::AnswersFull)
    } else {
        submit(length, |to, length| {
            // SAFETY: there is room, by `submit`; the helper checks the source.
            unsafe { bpf_probe_read_user(to, length, base as *const c_void) }
        })
    };
    counted("dns_received", copied)
}

/// Where neither is: the only hook that sees every packet received, so nearly all are left after three
/// loads from the headers. It allows everything. Since 5.0, which lets it read packets directly.
#[cgroup_skb(ingress)]
fn dns_answers(ctx: SkBuffContext) -> i32 {
    if let Some(start) = answer(&ctx) {
        let packet = &ctx.skb;
        let copied = submit(packet.len().saturating_sub(start as u32), |to, length| {
            // SAFETY: there is room, by `submit`.
            unsafe { bpf_skb_load_bytes(packet.skb.cast(), start as u32, to, length) }
        });
        counted("dns_answers", copied);
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
        (from == DOMAIN.to_be()).then_some(header + UDP_LEN)
    }
}

/// Hands on a message of so many bytes, its start if it is a long one. `copy` is told how many there is
/// room for, and fails by an errno.
#[inline(always)]
fn submit(length: u32, copy: impl FnOnce(*mut c_void, u32) -> i64) -> Result<(), Loss> {
    let mut entry = ANSWERS
        .reserve_untyped::<DnsMessage>(0)
        .ok_or(Loss::AnswersFull)?;
    let message = entry.as_mut_ptr();
    let length = bounded(length);
    // SAFETY: the entry is ours to fill.
    let to = unsafe {
        (*message).length = length;
        (*message).pad = 0;
        (&raw mut (*message).bytes).cast()
    };
    // A packet of headers alone has no byte to load, which is an error.
    if copy(to, length) == 0 {
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
