use std::mem::{offset_of, size_of};

use bytes::Bytes;
use probe_ebpf::message::Message as Wire;
use proptest::prelude::*;

use super::*;

/// A record as the kernel side leaves it, with `behind` after the payload.
fn record(change: impl FnOnce(&mut Vec<u8>), payload: &[u8], behind: &[u8]) -> Bytes {
    let mut bytes = vec![0; size_of::<Wire>()];
    let mut put = |at: usize, with: &[u8]| bytes[at..at + with.len()].copy_from_slice(with);
    let captured = u32::try_from(payload.len()).unwrap();
    put(offset_of!(Wire, time), &7_u64.to_ne_bytes());
    put(offset_of!(Wire, cgroup), &44_u64.to_ne_bytes());
    put(offset_of!(Wire, length), &(captured + 1).to_ne_bytes());
    put(offset_of!(Wire, captured), &captured.to_ne_bytes());
    put(offset_of!(Wire, comm), b"curl\0rubbish");
    put(
        offset_of!(Wire, local),
        &Ipv6Addr::from([0, 0, 0, 0, 0, 0xffff, 0x0a00, 1]).octets(),
    );
    put(offset_of!(Wire, remote), &Ipv6Addr::LOCALHOST.octets());
    put(offset_of!(Wire, local_port), &4000_u16.to_ne_bytes());
    put(offset_of!(Wire, remote_port), &80_u16.to_ne_bytes());
    put(offset_of!(Wire, protocol), &[PROTOCOL_TCP]);
    put(offset_of!(Wire, direction), &[DIRECTION_SENT]);
    change(&mut bytes);
    bytes.extend(payload);
    bytes.extend(behind);
    bytes.into()
}

#[test]
fn a_record_is_a_message_whose_payload_is_a_part_of_it() {
    let record = record(|_| {}, b"GET /", b"of another call");
    let message = decode(&record).unwrap();
    assert_eq!(message.payload, "GET /");
    assert_eq!(
        message.payload.as_ptr(),
        record[size_of::<Wire>()..].as_ptr()
    );
    assert_eq!((message.length, message.cgroup), (6, CgroupId(44)));
    assert_eq!(
        (message.command.as_str(), message.direction),
        ("curl", Direction::Sent)
    );
    let expected = Channel::Inet {
        tcp: true,
        local: "10.0.0.1:4000".parse().unwrap(),
        remote: Some("[::1]:80".parse().unwrap()),
    };
    assert_eq!(message.channel, expected);
    assert_eq!(meant(&record), size_of::<Wire>() + 5);
}

#[test]
fn unix_sockets_have_a_path_or_none() {
    let check = |path: &[u8], expected: Option<&str>| {
        let record = record(
            |bytes| {
                let start = offset_of!(Wire, path);
                bytes[start..start + path.len()].copy_from_slice(path);
                bytes[offset_of!(Wire, path_length)] = u8::try_from(path.len()).unwrap();
                bytes[offset_of!(Wire, protocol)] = PROTOCOL_UNIX;
                bytes[offset_of!(Wire, peer_pid)..][..4].copy_from_slice(&9_u32.to_ne_bytes());
            },
            b"",
            b"",
        );
        let expected = Channel::Unix {
            path: expected.map(str::to_owned),
            peer: Some(Pid(9)),
        };
        assert_eq!(decode(&record).unwrap().channel, expected);
    };
    check(b"/run/db.sock\0", Some("/run/db.sock"));
    check(b"\0hidden", Some("@hidden"));
    check(b"", None);
}

#[test]
fn a_file_has_its_path_before_the_payload() {
    let mut path = vec![0; size_of::<FilePath>()];
    path[offset_of!(FilePath, length)..][..2].copy_from_slice(&10_u16.to_ne_bytes());
    path[offset_of!(FilePath, names)..][..10].copy_from_slice(b"hosts\0etc\0");
    let payload = b"127.0.0.1";
    let whole = [&path, &payload[..]].concat();
    let record = record(
        |bytes| {
            bytes[offset_of!(Wire, protocol)] = PROTOCOL_FILE;
        },
        &whole,
        b"of another call",
    );
    let mut record = record.to_vec();
    let captured = u32::try_from(payload.len()).unwrap();
    record[offset_of!(Wire, captured)..][..4].copy_from_slice(&captured.to_ne_bytes());
    record[offset_of!(Wire, length)..][..4].copy_from_slice(&captured.to_ne_bytes());
    assert_eq!(
        meant(&record),
        size_of::<Wire>() + size_of::<FilePath>() + 9
    );
    let message = decode(&record.into()).unwrap();
    let expected = Channel::File {
        kind: FileKind::Regular,
        path: "/etc/hosts".to_owned(),
    };
    assert_eq!(
        (message.channel, &message.payload[..]),
        (expected, &payload[..])
    );
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_none(bytes in prop::collection::vec(any::<u8>(), 0..1200)) {
        let record = Bytes::from(bytes);
        let _ = meant(&record);
        if let Some(message) = decode(&record) {
            prop_assert!(message.payload.len() <= record.len());
        }
    }

    #[test]
    fn a_record_that_lies_about_its_length_is_none(
        captured in any::<u32>(),
        length in any::<u32>(),
        protocol in prop::sample::select(vec![PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_UNIX, PROTOCOL_FILE, 3]),
        path_length in any::<u8>(),
        payload in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let whole = u32::try_from(payload.len()).unwrap();
        let record = record(
            |bytes| {
                bytes[offset_of!(Wire, captured)..][..4].copy_from_slice(&captured.to_ne_bytes());
                bytes[offset_of!(Wire, length)..][..4].copy_from_slice(&length.to_ne_bytes());
                bytes[offset_of!(Wire, protocol)] = protocol;
                bytes[offset_of!(Wire, path_length)] = path_length;
            },
            &payload,
            b"",
        );
        let decoded = decode(&record);
        prop_assert!(decoded.is_none() || (captured <= whole && captured <= length));
    }
}

#[test]
fn fuzz_messages() {
    let protocols = [PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_UNIX, PROTOCOL_FILE];
    let seeds = protocols.map(|protocol| {
        let fill = |bytes: &mut Vec<u8>| bytes[offset_of!(Wire, protocol)] = protocol;
        record(fill, b"GET / HTTP/1.1\r\n", b"").to_vec()
    });
    crate::fuzz::run(&seeds, |bytes| {
        let record = Bytes::copy_from_slice(bytes);
        let meant = meant(&record);
        let message = decode(&record)?;
        assert!(message.payload.len() <= bytes.len());
        Some((meant, std::mem::discriminant(&message.channel)))
    });
}
