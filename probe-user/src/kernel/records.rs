//! Records from the ring, decoded.

use std::{
    mem::size_of,
    os::fd::{AsRawFd, RawFd},
};

use aya::maps::{Map, MapData, MapError, RingBuf};
use probe_ebpf::record::{
    Cgroup, Exec, Exit, Fork, Header, KIND_CGROUP_MADE, KIND_CGROUP_REMOVED, KIND_EXEC, KIND_EXIT,
    KIND_FORK,
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

/// What a record tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum What {
    /// A process runs another program.
    Exec {
        /// The process.
        pid: Pid,
        /// Its parent.
        parent: Pid,
        /// Effective user id.
        uid: u32,
        /// The new command, at most 15 bytes.
        command: String,
        /// The path given to `execve`, at most 255 bytes.
        path: String,
    },
    /// A process was made.
    Fork {
        /// The new process.
        pid: Pid,
        /// Its parent.
        parent: Pid,
        /// The command, its parent's until it execs.
        command: String,
    },
    /// A process ended.
    Exit {
        /// The process.
        pid: Pid,
        /// What it returned, when no signal ended it.
        status: u8,
        /// The signal that ended it, 0 if none did.
        signal: u8,
        /// The command.
        command: String,
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
            What::Exec {
                pid: Pid(header.pid),
                parent: Pid(exec.parent),
                uid: exec.uid,
                command: text(&exec.comm),
                path: text(&exec.path),
            }
        }
        KIND_FORK => {
            let fork: Fork = copy(bytes)?;
            What::Fork {
                pid: Pid(header.pid),
                parent: Pid(fork.parent),
                command: text(&fork.comm),
            }
        }
        KIND_EXIT => {
            let exit: Exit = copy(bytes)?;
            let [low, status, ..] = exit.code.to_le_bytes();
            What::Exit {
                pid: Pid(header.pid),
                status,
                signal: low & 0x7f,
                command: text(&exit.comm),
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

    #[test]
    fn decodes_an_exit_by_status_and_by_signal() {
        let check = |code: u32, status, signal| {
            let mut bytes = header(KIND_EXIT);
            bytes.extend(code.to_ne_bytes());
            bytes.extend([0; 4]);
            bytes.extend(*b"sh\0garbage......");
            let record = decode(&bytes).unwrap();
            assert_eq!(record.cgroup, CgroupId(44));
            assert_eq!(
                record.what,
                What::Exit {
                    pid: Pid(7),
                    status,
                    signal,
                    command: "sh".to_owned()
                }
            );
        };
        check(0x0300, 3, 0);
        check(0x0089, 0, 9); // killed, with a core dumped
    }

    #[test]
    fn refuses_what_is_too_short_or_unknown() {
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&header(KIND_EXEC)), None);
        assert_eq!(decode(&header(77)), None);
    }
}
