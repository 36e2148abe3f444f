//! What is said, over every kind of socket and by every kind of call.

use std::io::{IoSlice, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, sendmmsg};
use probe_tests::Probe;
use serde_json::Value;

#[test]
fn every_kind_of_call_and_socket_shows_what_it_moved() {
    let pid = std::process::id();
    let filter = format!("proc.pid = {pid} and evt.type = write");
    let probe = Probe::alone(["traffic", "-o", "json", "--filter", &filter]).unwrap();
    let (mut here, _there) = UnixStream::pair().unwrap();
    here.write_all(b"over a pair").unwrap();
    let datagrams = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let to = datagrams.local_addr().unwrap();
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    sender.send_to(b"unconnected", to).unwrap();
    let several = [b"first of two", b"other of two"].map(|text| [IoSlice::new(text)]);
    let mut headers = MultiHeaders::preallocate(several.len(), None);
    let place = to.to_string().parse::<SocketAddrV4>().unwrap().into();
    let places: [Option<SockaddrIn>; 2] = [Some(place); 2];
    let (fd, flags) = (sender.as_raw_fd(), MsgFlags::empty());
    let sent = sendmmsg(fd, &mut headers, &several, places, [], flags);
    assert_eq!(sent.unwrap().count(), 2);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let parts = ["in ", "", "several ", "pieces"].map(|part| IoSlice::new(part.as_bytes()));
    assert_eq!(stream.write_vectored(&parts).unwrap(), 17);
    stream.write_all(b"not \xff UTF-8").unwrap();
    let printed = probe.interrupt().unwrap().stdout;
    let messages: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let find = |key: &str, value: &str| {
        let found = messages.iter().find(|message| message[key] == value);
        found.unwrap_or_else(|| panic!("no {value:?}: {messages:#?}"))
    };
    assert_eq!(find("text", "over a pair")["protocol"], "unix");
    let datagram = find("text", "unconnected");
    assert_eq!(datagram["remote"], to.to_string());
    assert_eq!(
        (&datagram["protocol"], &datagram["call"]),
        (&"udp".into(), &"sendto".into())
    );
    for one in ["first of two", "other of two"] {
        assert_eq!(find("text", one)["call"], "sendmmsg");
    }
    assert_eq!(find("text", "in several pieces")["call"], "writev");
    find("base64", "bm90IP8gVVRGLTg=");
}
