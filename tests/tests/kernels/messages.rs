//! What is said, over every kind of socket and by every kind of call; and what is moved in files.

use std::fs::{self, File};
use std::io::{IoSlice, IoSliceMut, Read as _, Seek as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixStream;

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, sendmmsg};
use probe_tests::{Probe, objects};
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
    let messages = objects(&printed).unwrap();
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

#[test]
fn what_a_filter_says_of_containers_is_decided_in_the_kernel() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let at = listener.local_addr().unwrap();
    // We are in none.
    let said = |containers: &str| {
        let filter = format!("{containers} and fd.port = {}", at.port());
        let probe = Probe::alone(["traffic", "-o", "json", "--filter", &filter]).unwrap();
        let mut stream = TcpStream::connect(at).unwrap();
        let (mut other, _) = listener.accept().unwrap();
        let mut heard = [0; 5];
        for _ in 0..100 {
            stream.write_all(b"hello").unwrap();
            other.read_exact(&mut heard).unwrap();
        }
        let printed = probe.interrupt().unwrap();
        let end = printed.stderr.lines().last().unwrap().to_owned();
        (objects(&printed.stdout).unwrap().len(), end)
    };
    let (shown, end) = said("not container.id exists");
    assert_eq!(shown, 200, "{end}");
    let (shown, end) = said("container.id exists");
    assert_eq!(shown, 0, "{end}");
    assert!(end.ends_with(" 0 filtered out, 0 lost"), "{end}");
}

#[test]
fn every_kind_of_call_on_a_file_shows_what_it_moved() {
    let path = std::env::temp_dir().join(format!("probe-calls-{}", std::process::id()));
    let filter = format!(
        "proc.pid = {} and fd.name = {}",
        std::process::id(),
        path.display()
    );
    let probe = Probe::alone(["traffic", "--files", "-o", "json", "--filter", &filter]).unwrap();
    let mut file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .unwrap();
    file.write_all(b"at once, ").unwrap();
    let parts = ["in ", "", "several ", "pieces"].map(|part| IoSlice::new(part.as_bytes()));
    assert_eq!(file.write_vectored(&parts).unwrap(), 17);
    file.write_all_at(b"in place", 100).unwrap();
    let mut heard = [0; 9];
    file.read_exact_at(&mut heard, 0).unwrap();
    file.rewind().unwrap();
    let (mut one, mut other) = ([0; 4], [0; 5]);
    let mut parts = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut other)];
    assert_eq!(file.read_vectored(&mut parts).unwrap(), 9);
    // Of these the bytes are in no program's memory.
    let mut copy = tempfile();
    file.rewind().unwrap();
    let copied = std::io::copy(&mut file, &mut copy).unwrap();
    fs::remove_file(&path).unwrap();
    let printed = probe.interrupt().unwrap().stdout;
    let messages = objects(&printed).unwrap();
    let check = |call: &str, verb: &str, text: &str| {
        let of = |message: &&Value| message["call"] == call && message["text"] == text;
        let found = messages.iter().find(of);
        let found = found.unwrap_or_else(|| panic!("no {call} of {text:?}: {messages:#?}"));
        assert_eq!(
            (&found["type"], &found["protocol"]),
            (&verb.into(), &"file".into())
        );
    };
    check("write", "write", "at once, ");
    check("writev", "write", "in several pieces");
    check("pwrite64", "write", "in place");
    check("pread64", "read", "at once, ");
    check("readv", "read", "at once, ");
    let unseen = messages
        .iter()
        .filter(|message| message["call"] == "copy_file_range");
    let unseen: u64 = unseen
        .map(|message| {
            assert_eq!(
                (&message["type"], &message["captured"]),
                (&"read".into(), &0.into())
            );
            message["bytes"].as_u64().unwrap()
        })
        .sum();
    assert_eq!(unseen, copied);
}

/// A file that nobody else sees.
fn tempfile() -> File {
    let path = std::env::temp_dir().join(format!("probe-copy-{}", std::process::id()));
    let file = File::create_new(&path).unwrap();
    fs::remove_file(path).unwrap();
    file
}
