use super::*;
use crate::{ids::NetNs, kernel::connections::Change};

fn header(kind: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(7_u32.to_ne_bytes());
    bytes.extend(99_u64.to_ne_bytes());
    bytes.extend(44_u64.to_ne_bytes());
    bytes
}

fn born(bytes: &mut Vec<u8>) {
    bytes.extend(5_000_000_000_u64.to_ne_bytes());
    bytes.extend(2_u32.to_ne_bytes());
    bytes.extend(3_u32.to_ne_bytes());
}

const BIRTH: Birth = Birth {
    pid: Pid(7),
    inner_pid: Some(Pid(2)),
    parent: Pid(3),
    began: Duration::from_secs(5),
};

#[test]
fn decodes_an_exit_by_status_and_by_signal() {
    let check = |code: u32, status, signal| {
        let mut bytes = header(KIND_EXIT);
        born(&mut bytes);
        bytes.extend(9_u64.to_ne_bytes());
        bytes.extend(8_u64.to_ne_bytes());
        bytes.extend(code.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(*b"sh\0garbage......");
        let record = decode(&bytes).unwrap();
        assert_eq!(record.cgroup, CgroupId(44));
        assert_eq!(
            record.what,
            What::Exit {
                birth: BIRTH,
                status,
                signal,
                command: "sh".to_owned(),
                lived: Duration::from_nanos(9),
                ran: Duration::from_nanos(8),
            }
        );
    };
    check(0x0300, 3, 0);
    check(0x0089, 0, 9); // killed, with a core dumped
}

fn exec(arguments: &[u8]) -> Vec<u8> {
    let mut bytes = header(KIND_EXEC);
    born(&mut bytes);
    bytes.extend(33_u32.to_ne_bytes());
    bytes.extend(u32::try_from(arguments.len()).unwrap().to_ne_bytes());
    bytes.extend(*b"sh\0.............");
    bytes.extend([0; abi::PATH_LEN]);
    bytes.extend(arguments);
    bytes
}

#[test]
fn decodes_the_arguments_of_an_exec() {
    let check = |arguments: &[u8], expected: Option<&str>| {
        let What::Exec { command_line, .. } = decode(&exec(arguments)).unwrap().what else {
            panic!("no exec");
        };
        assert_eq!(command_line.as_deref(), expected);
    };
    check(b"sh\0-c\0exit 3\0", Some("sh -c exit 3"));
    check(b"sh\0\0\0", Some("sh"));
    check(b"cut\0 at \xc3", Some("cut  at \u{fffd}"));
    check(b"", None);
    check(b"\0", None);
    let whole = exec(b"sh\0");
    assert_eq!(decode(&whole[..whole.len() - 1]), None);
}

#[test]
fn decodes_an_oom_kill_with_and_without_a_command() {
    let check = |command: &[u8; 16], expected: Option<&str>| {
        let mut bytes = header(KIND_OOM_KILL);
        bytes.extend(command);
        let what = What::OomKill {
            pid: Pid(7),
            command: expected.map(str::to_owned),
        };
        assert_eq!(decode(&bytes).unwrap().what, what);
    };
    check(b"hungry\0.........", Some("hungry"));
    check(&[0; 16], None);
}

fn connection(kind: u32, took: u64, errno: u32) -> Vec<u8> {
    let mut bytes = header(kind);
    let v4 = |last: u8| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last];
    bytes.extend(v4(1));
    bytes.extend(v4(2));
    bytes.extend([took, 108, 1000].map(u64::to_ne_bytes).concat());
    bytes.extend(*b"wget\0...........");
    bytes.extend(44_u32.to_ne_bytes());
    bytes.extend(errno.to_ne_bytes());
    bytes.extend([50_000_u16, 80].map(u16::to_ne_bytes).concat());
    bytes.extend(1_u32.to_ne_bytes());
    bytes
}

#[test]
fn decodes_what_became_of_connections() {
    let check = |bytes: Vec<u8>, change| {
        let What::Connection(connection) = decode(&bytes).unwrap().what else {
            panic!("no connection");
        };
        let expected = Connection {
            change,
            pid: Some(Pid(7)),
            command: "wget".to_owned(),
            client: true,
            local: "10.0.0.1:50000".parse().unwrap(),
            remote: "10.0.0.2:80".parse().unwrap(),
            netns: NetNs(44),
        };
        assert_eq!(connection, expected);
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
    };
    let took = Some(Duration::from_nanos(9));
    check(connection(KIND_CONNECT, 9, 0), Change::Connected { took });
    let errno = Some(111);
    let failed = Change::Failed { errno, took };
    check(connection(KIND_CONNECT_FAILED, 9, 111), failed);
    let (errno, took) = (None, None);
    let failed = Change::Failed { errno, took };
    check(connection(KIND_CONNECT_FAILED, 0, 0), failed);
    check(connection(KIND_ACCEPT, 0, 0), Change::Accepted);
    let closed = Change::Closed {
        stood: None,
        sent: 108,
        received: 1000,
    };
    check(connection(KIND_CLOSE, 0, 0), closed);
}

#[test]
fn refuses_what_is_too_short_or_unknown() {
    assert_eq!(decode(&[]), None);
    assert_eq!(decode(&header(KIND_EXEC)), None);
    assert_eq!(decode(&header(77)), None);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, kind in 0..12_u32) {
        let mut bytes = bytes;
        if let Some(start) = bytes.first_chunk_mut() {
            *start = kind.to_ne_bytes();
        }
        drop(decode(&bytes));
    }
}

#[test]
fn fuzz_records() {
    let kinds = [
        KIND_FORK,
        KIND_EXIT,
        KIND_CGROUP_MADE,
        KIND_CGROUP_REMOVED,
        KIND_OOM_KILL,
        KIND_CONNECT,
        KIND_CLOSE,
    ];
    let mut seeds: Vec<_> = kinds.map(header).to_vec();
    for seed in &mut seeds {
        seed.resize(512, b'a');
    }
    seeds.push(exec(b"sh\0-c\0exit 3\0"));
    crate::fuzz::run(&seeds, |bytes| {
        let record = decode(bytes)?;
        Some(std::mem::discriminant(&record.what))
    });
}
