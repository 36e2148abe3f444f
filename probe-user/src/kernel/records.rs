//! Records from the ring, decoded.

use std::{
    mem::size_of,
    os::fd::{AsRawFd, RawFd},
    time::Duration,
};

use aya::maps::{Map, MapData, MapError, RingBuf};
use probe_ebpf::record::{
    self as abi, Cgroup, Exec, Exit, Fork, Header, KIND_ACCEPT, KIND_CGROUP_MADE,
    KIND_CGROUP_REMOVED, KIND_CLOSE, KIND_CONNECT, KIND_CONNECT_FAILED, KIND_EXEC, KIND_EXIT,
    KIND_FORK, KIND_OOM_KILL, OomKill,
};

use super::connections::Connection;
use crate::ids::{CgroupId, Nanos, Pid};

/// Something that happened once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// When.
    pub time: Nanos,
    /// The cgroup of the process, or the cgroup itself; 0 where the kernel does not tell.
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
    /// There is no memory left, in a cgroup or at all, and a process is to die for it.
    OomKill {
        /// Which.
        pid: Pid,
        /// The command; `None` where the kernel names the victim by number alone: its thread's.
        command: Option<String>,
    },
    /// One end of a TCP connection. The cgroup is the one that its socket was made in.
    Connection(Connection),
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
    /// Takes what is there, but no more than so many.
    pub fn take(&mut self, most: usize) -> Vec<Record> {
        let mut records = Vec::new();
        while records.len() < most
            && let Some(item) = self.ring.next()
        {
            match decode(&item) {
                Some(record) => records.push(record),
                None => self.undecoded += 1,
            }
        }
        records
    }

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
        KIND_OOM_KILL => {
            let killed: OomKill = copy(bytes)?;
            let command = text(&killed.comm);
            What::OomKill {
                pid: Pid(header.pid),
                command: (!command.is_empty()).then_some(command),
            }
        }
        KIND_CONNECT | KIND_CONNECT_FAILED | KIND_ACCEPT | KIND_CLOSE => {
            What::Connection(Connection::from(&copy::<abi::Connection>(bytes)?))
        }
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
impl Plain for OomKill {}
impl Plain for abi::Connection {}

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
mod tests;
