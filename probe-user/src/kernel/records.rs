//! Records from the ring, decoded.

use std::{
    mem::size_of,
    os::fd::{AsRawFd, RawFd},
    time::Duration,
};

use aya::maps::{Map, MapData, MapError, RingBuf};
use probe_ebpf::record::{
    self as abi, Cgroup, Exec, Exit, Fork, Header, KIND_CGROUP_MADE, KIND_CGROUP_REMOVED,
    KIND_EXEC, KIND_EXIT, KIND_FORK,
};

use crate::ids::{CgroupId, Nanos, Pid};

/// Something that happened once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// When.
    pub time: Nanos,
    /// The cgroup of the process, or the cgroup itself.
    pub cgroup: CgroupId,
    /// What.
    pub what: What,
}

/// Which process: a pid is reused, a pid and the moment it began are not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Birth {
    /// In the host's pid namespace.
    pub pid: Pid,
    /// In its own, when the kernel tells.
    pub inner_pid: Option<Pid>,
    /// Its parent, in the host's.
    pub parent: Pid,
    /// When it began: `CLOCK_BOOTTIME`.
    pub began: Duration,
}

/// What a record tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum What {
    /// A process runs another program.
    Exec {
        /// The process.
        birth: Birth,
        /// Effective user id.
        uid: u32,
        /// The new command, at most 15 bytes.
        command: String,
        /// The path given to `execve`, at most 255 bytes.
        path: String,
        /// Its arguments, the program first, joined by spaces, at most 4,096 bytes; `None` when
        /// the kernel side could not read them.
        command_line: Option<String>,
    },
    /// A process was made.
    Fork {
        /// The new process.
        birth: Birth,
        /// The command, its parent's until it execs.
        command: String,
    },
    /// A process ended.
    Exit {
        /// The process.
        birth: Birth,
        /// What it returned, when no signal ended it.
        status: u8,
        /// The signal that ended it, 0 if none did.
        signal: u8,
        /// The command.
        command: String,
        /// From its beginning to its end.
        lived: Duration,
        /// CPU time of its first thread and of those that ended before it.
        ran: Duration,
    },
    /// A cgroup was made.
    CgroupMade {
        /// Its path from the root of the hierarchy.
        path: String,
    },
    /// A cgroup was removed.
    CgroupRemoved,
}

/// The ring's reading end. Wakes who polls its file descriptor.
pub struct Records {
    ring: RingBuf<MapData>,
    undecoded: u64,
}

impl TryFrom<Map> for Records {
    type Error = MapError;

    fn try_from(map: Map) -> Result<Self, MapError> {
        Ok(Self {
            ring: map.try_into()?,
            undecoded: 0,
        })
    }
}

/// Readable while there are records.
impl AsRawFd for Records {
    fn as_raw_fd(&self) -> RawFd {
        self.ring.as_raw_fd()
    }
}

impl Records {
    /// Takes what is there.
    pub fn drain(&mut self, mut each: impl FnMut(Record)) {
        while let Some(item) = self.ring.next() {
            match decode(&item) {
                Some(record) => each(record),
                None => self.undecoded += 1,
            }
        }
    }

    /// Records that were no records: none, unless the kernel side is not ours.
    #[must_use]
    pub const fn undecoded(&self) -> u64 {
        self.undecoded
    }
}

/// `None` when the bytes are no record.
fn decode(bytes: &[u8]) -> Option<Record> {
    let header: Header = copy(bytes)?;
    let what = match header.kind {
        KIND_EXEC => {
            let exec: Exec = copy(bytes)?;
            let len = usize::try_from(exec.arguments_len).ok()?;
            let arguments = bytes[size_of::<Exec>()..].get(..len)?;
            What::Exec {
                birth: birth(&header, exec.birth),
                uid: exec.uid,
                command: text(&exec.comm),
                path: text(&exec.path),
                command_line: joined(arguments),
            }
        }
        KIND_FORK => {
            let fork: Fork = copy(bytes)?;
            What::Fork {
                birth: birth(&header, fork.birth),
                command: text(&fork.comm),
            }
        }
        KIND_EXIT => {
            let exit: Exit = copy(bytes)?;
            let [low, status, ..] = exit.code.to_le_bytes();
            What::Exit {
                birth: birth(&header, exit.birth),
                status,
                signal: low & 0x7f,
                command: text(&exit.comm),
                lived: Duration::from_nanos(exit.lived),
                ran: Duration::from_nanos(exit.ran),
            }
        }
        KIND_CGROUP_MADE => {
            let cgroup: Cgroup = copy(bytes)?;
            What::CgroupMade {
                path: text(&cgroup.path),
            }
        }
        KIND_CGROUP_REMOVED => What::CgroupRemoved,
        _ => return None,
    };
    Some(Record {
        time: Nanos(header.time),
        cgroup: CgroupId(header.cgroup),
        what,
    })
}

fn birth(header: &Header, birth: abi::Birth) -> Birth {
    Birth {
        pid: Pid(header.pid),
        inner_pid: (birth.inner_pid != 0).then_some(Pid(birth.inner_pid)),
        parent: Pid(birth.parent),
        began: Duration::from_nanos(birth.began),
    }
}

/// Arguments, each with a NUL behind it, as one line; `None` if there are none.
fn joined(arguments: &[u8]) -> Option<String> {
    let end = arguments.iter().rposition(|byte| *byte != 0)?;
    let line = String::from_utf8_lossy(&arguments[..=end]);
    Some(line.replace('\0', " "))
}

/// A type of the ABI: integers only, so that every bit pattern is a value.
trait Plain: Copy {}
impl Plain for Header {}
impl Plain for Exec {}
impl Plain for Fork {}
impl Plain for Exit {}
impl Plain for Cgroup {}

fn copy<T: Plain>(bytes: &[u8]) -> Option<T> {
    if bytes.len() < size_of::<T>() {
        return None;
    }
    // SAFETY: the bytes are long enough, need not be aligned, and are a valid `T`, which is plain.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// Up to the first NUL; what is not UTF-8 is replaced.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn refuses_what_is_too_short_or_unknown() {
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&header(KIND_EXEC)), None);
        assert_eq!(decode(&header(77)), None);
    }

    #[test]
    fn fuzz_records() {
        let kinds = [KIND_FORK, KIND_EXIT, KIND_CGROUP_MADE, KIND_CGROUP_REMOVED];
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

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, kind in 0..8_u32) {
            let mut bytes = bytes;
            if let Some(start) = bytes.first_chunk_mut() {
                *start = kind.to_ne_bytes();
            }
            drop(decode(&bytes));
        }
    }
}
