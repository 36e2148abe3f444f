//! Who an unconnected UDP socket sends to, and hears from: cgroup hooks at the root cgroup, inside
//! the call that moves the datagram. They allow everything.

use aya_ebpf::{
    bindings::{bpf_sock, bpf_sock_addr},
    macros::cgroup_sock_addr,
    programs::SockAddrContext,
};

use crate::{
    call::Direction,
    datagram::{Peer, note},
    socket::{bytes, mapped},
    tcp_life::ESTABLISHED,
};

const ALLOW: i32 = 1;

/// Since 4.18.
#[cgroup_sock_addr(sendmsg4)]
fn udp_sendmsg4(ctx: SockAddrContext) -> i32 {
    note_v4(ctx.sock_addr, Direction::Send)
}

/// Since 4.18.
#[cgroup_sock_addr(sendmsg6)]
fn udp_sendmsg6(ctx: SockAddrContext) -> i32 {
    note_v6(ctx.sock_addr, Direction::Send)
}

/// Since 5.2; not run for callers that do not ask who sent.
#[cgroup_sock_addr(recvmsg4)]
fn udp_recvmsg4(ctx: SockAddrContext) -> i32 {
    note_v4(ctx.sock_addr, Direction::Receive)
}

/// Since 5.2.
#[cgroup_sock_addr(recvmsg6)]
fn udp_recvmsg6(ctx: SockAddrContext) -> i32 {
    note_v6(ctx.sock_addr, Direction::Receive)
}

#[inline(always)]
fn note_v4(address: *mut bpf_sock_addr, direction: Direction) -> i32 {
    // SAFETY: the program's context.
    let (ip, port) = unsafe { ((*address).user_ip4, (*address).user_port) };
    let peer = Peer::new(mapped(ip), u16::from_be(port as u16));
    // SAFETY: a socket, by `connected`.
    let connected = connected(address, |socket| mapped(unsafe { (*socket).dst_ip4 }));
    note(&peer, connected.as_ref(), direction);
    ALLOW
}

#[inline(always)]
fn note_v6(address: *mut bpf_sock_addr, direction: Direction) -> i32 {
    // SAFETY: the program's context.
    let (ip, port) = unsafe { ((*address).user_ip6, (*address).user_port) };
    let peer = Peer::new(v6(ip), u16::from_be(port as u16));
    // SAFETY: a socket, by `connected`.
    let connected = connected(address, |socket| v6(unsafe { (*socket).dst_ip6 }));
    note(&peer, connected.as_ref(), direction);
    ALLOW
}

/// Whom the socket of the call is connected to, its address read by `ip`.
#[inline(always)]
fn connected(
    address: *mut bpf_sock_addr,
    ip: impl FnOnce(*mut bpf_sock) -> [u8; 16],
) -> Option<Peer> {
    // SAFETY: the program's context, and its socket.
    let (socket, state, port) = unsafe {
        let socket = (*address).__bindgen_anon_1.sk;
        (socket, (*socket).state, (*socket).dst_port)
    };
    (state == ESTABLISHED.cast_unsigned()).then(|| Peer::new(ip(socket), u16::from_be(port)))
}

#[inline(always)]
fn v6([a, b, c, d]: [u32; 4]) -> [u8; 16] {
    bytes([
        u64::from(a) | u64::from(b) << 32,
        u64::from(c) | u64::from(d) << 32,
    ])
}
