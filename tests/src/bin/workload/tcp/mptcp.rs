//! MPTCP: connections made of several of TCP's.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketType, bind, ipproto, listen as rest, socket};

/// As many as wait for the server's threads.
const BACKLOG: i32 = 128;

/// The standard library makes no such sockets, but takes them.
pub(super) fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let socket = open()?;
    rustix::net::connect(&socket, &to)?;
    Ok(socket.into())
}

pub(super) fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = open()?;
    bind(&socket, &SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?;
    rest(&socket, BACKLOG)?;
    Ok(socket.into())
}

fn open() -> io::Result<OwnedFd> {
    let protocol = Some(ipproto::MPTCP);
    Ok(socket(AddressFamily::INET, SocketType::STREAM, protocol)?)
}
