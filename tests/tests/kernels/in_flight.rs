//! A connection that no process has open for a while.

use std::io::{IoSlice, IoSliceMut, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};
use probe_tests::Probe;

use crate::{counts, nothing_lost};

/// Puts a connection into a unix socket, and keeps none of it.
fn put(into: &UnixStream, connection: TcpStream) {
    let connection = OwnedFd::from(connection);
    let descriptors = [connection.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&descriptors)];
    let text = [IoSlice::new(b".")];
    let flags = MsgFlags::empty();
    sendmsg::<UnixAddr>(into.as_raw_fd(), &text, &rights, flags, None).unwrap();
}

/// Takes it out again.
fn take(from: &UnixStream) -> TcpStream {
    let mut byte = [0];
    let mut text = [IoSliceMut::new(&mut byte)];
    let mut room = nix::cmsg_space!([std::os::fd::RawFd; 1]);
    let flags = MsgFlags::empty();
    let message = recvmsg::<UnixAddr>(from.as_raw_fd(), &mut text, Some(&mut room), flags).unwrap();
    let Some(ControlMessageOwned::ScmRights(descriptors)) = message.cmsgs().unwrap().next() else {
        panic!("no descriptor came");
    };
    // SAFETY: it has just been made for us.
    unsafe { OwnedFd::from_raw_fd(descriptors[0]) }.into()
}

#[test]
fn what_was_in_flight_when_the_probe_came_counts_from_its_next_call_on() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    client.write_all(&[b'.'; 300]).unwrap();
    server.read_exact(&mut [0; 300]).unwrap();
    let (here, there) = UnixStream::pair().unwrap();
    put(&here, client);
    let probe = Probe::alone(["graph", "--output", "json"]).unwrap();
    let mut client = take(&there);
    client.write_all(&[b'.'; 1000]).unwrap();
    server.read_exact(&mut [0; 1000]).unwrap();
    server.write_all(&[b'.'; 50]).unwrap();
    client.read_exact(&mut [0; 50]).unwrap();
    drop((client, server));
    let graph = probe.finish().unwrap();

    let mut edges = graph.json["edges"].as_array().unwrap().iter();
    let edge = edges.find(|edge| edge["port"] == address.port());
    let edge = edge.unwrap_or_else(|| panic!("no edge: {:#}", graph.json));
    let expected = [
        ("connections_existing", 1),
        ("connections_opened", 0),
        ("connections_closed", 1),
        ("bytes_sent", 1000),
        ("bytes_received", 50),
        ("sends", 1),
        ("receives", 1),
    ];
    counts(edge, &expected);
    assert_eq!(edge["source"], edge["target"], "{edge:#}");
    nothing_lost(&graph);
}
