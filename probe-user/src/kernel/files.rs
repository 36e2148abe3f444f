//! Files by what was read from and written to them, period by period.
//!
//! A tick begins a new period and takes what belongs to those before, which does not change any more.
//! So nothing is counted twice or lost between a look and a removal, and what is not used takes no room.

use std::{
    io,
    os::fd::{AsFd as _, BorrowedFd},
    thread,
    time::{Duration, Instant},
};

use aya::{
    Pod,
    maps::{Array, HashMap, IterableMap as _, Map, MapData, MapError},
};
use probe_ebpf::file::{FileCounts, FileKey, FileRestKey, FileUse};
use thiserror::Error;

use super::{batch::BatchReader, file};
use crate::ids::CgroupId;

/// `MEMBARRIER_CMD_GLOBAL`: returns once every CPU has been somewhere else, and programs with it.
const EVERYWHERE: libc::c_int = 1;
/// Where the kernel does not offer that, programs have long ended after so long.
const LONG: Duration = Duration::from_millis(10);

/// Why files cannot be counted.
#[derive(Debug, Error)]
pub enum FilesError {
    /// A map cannot be read.
    #[error("the map of files cannot be read (BPF_MAP_LOOKUP_BATCH, in Linux since 5.6)")]
    Read(#[source] io::Error),
    /// A map cannot be written.
    #[error("the map of files cannot be changed")]
    Change(#[source] MapError),
}

/// The kernel's maps of files.
#[derive(Debug)]
pub struct FileMaps {
    /// `FILES`.
    pub files: Map,
    /// `FILE_REST`: what has no room there.
    pub rest: Map,
    /// `FILE_PERIOD`: which period it is.
    pub period: Map,
}

/// What a command in a cgroup has moved in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileUsed {
    /// The cgroup.
    pub cgroup: CgroupId,
    /// Which file, and the command; `None` for what found no room, of all commands and files.
    pub file: Option<CommandsFile>,
    /// What was moved.
    pub moved: Moved,
}

/// A file, and who used it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandsFile {
    /// The path, as the process that came first sees it.
    pub path: String,
    /// The command, at most 15 bytes.
    pub command: String,
}

/// Calls and bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Moved {
    /// Calls that read.
    pub reads: u64,
    /// Calls that wrote.
    pub writes: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
}

impl From<FileCounts> for Moved {
    fn from(counts: FileCounts) -> Self {
        let FileCounts {
            reads,
            writes,
            bytes_read,
            bytes_written,
        } = counts;
        Self {
            reads,
            writes,
            bytes_read,
            bytes_written,
        }
    }
}

/// What was used since the time before.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FilesUsed {
    /// How long that is.
    pub time: Duration,
    /// In no order.
    pub files: Vec<FileUsed>,
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Key(FileKey);
// SAFETY: integers only, without padding (asserted by the ABI).
unsafe impl Pod for Key {}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Use(FileUse);
// SAFETY: as above.
unsafe impl Pod for Use {}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct RestKey(FileRestKey);
// SAFETY: as above.
unsafe impl Pod for RestKey {}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Counts(FileCounts);
// SAFETY: as above.
unsafe impl Pod for Counts {}

/// The kernel's files.
pub struct FileTable {
    files: HashMap<MapData, Key, Use>,
    rest: HashMap<MapData, RestKey, Counts>,
    period: Array<MapData, u32>,
    /// The period that it is.
    now: u32,
    since: Instant,
}

impl TryFrom<FileMaps> for FileTable {
    type Error = MapError;

    fn try_from(maps: FileMaps) -> Result<Self, MapError> {
        Ok(Self {
            files: maps.files.try_into()?,
            rest: maps.rest.try_into()?,
            period: maps.period.try_into()?,
            now: 0,
            since: Instant::now(),
        })
    }
}

impl FileTable {
    /// From now on: what was counted before is forgotten.
    pub fn begin(&mut self) -> Result<(), FilesError> {
        self.take().map(drop)
    }

    /// Takes what was used since the time before.
    pub fn take(&mut self) -> Result<FilesUsed, FilesError> {
        self.now = self.now.wrapping_add(1);
        self.period
            .set(0, self.now, 0)
            .map_err(FilesError::Change)?;
        await_programs();
        let time = self.since.elapsed();
        self.since = Instant::now();
        let (mut files, mut keys) = (Vec::new(), Vec::new());
        // The buffers are not kept: they are large, and files come and go.
        let map: BorrowedFd<'_> = self.files.map().fd().as_fd();
        let now = self.now;
        let read = BatchReader::<Key, Use>::new(1).read(map, |key, used| {
            if key.0.period != now {
                keys.push(*key);
                files.extend(decode(&key.0, &used[0].0));
            }
        });
        read.map_err(FilesError::Read)?;
        for key in keys {
            self.files.remove(&key).map_err(FilesError::Change)?;
        }
        let mut keys = Vec::new();
        let map: BorrowedFd<'_> = self.rest.map().fd().as_fd();
        let read = BatchReader::<RestKey, Counts>::new(1).read(map, |key, counts| {
            if key.0.period != u64::from(now) {
                keys.push(*key);
                files.push(FileUsed {
                    cgroup: CgroupId(key.0.cgroup),
                    file: None,
                    moved: counts[0].0.into(),
                });
            }
        });
        read.map_err(FilesError::Read)?;
        for key in keys {
            self.rest.remove(&key).map_err(FilesError::Change)?;
        }
        Ok(FilesUsed { time, files })
    }
}

/// `None` for one that was made and not yet counted.
fn decode(key: &FileKey, used: &FileUse) -> Option<FileUsed> {
    let moved = Moved::from(used.counts);
    (moved != Moved::default()).then(|| FileUsed {
        cgroup: CgroupId(key.cgroup),
        file: Some(CommandsFile {
            path: file::of(&used.path),
            command: super::records::text(&key.comm),
        }),
        moved,
    })
}

/// Waits until each program that runs now, and may know the period before, has ended.
fn await_programs() {
    // SAFETY: the call takes no memory.
    let awaited = unsafe { libc::syscall(libc::SYS_membarrier, EVERYWHERE, 0, 0) };
    if awaited != 0 {
        thread::sleep(LONG);
    }
}

#[cfg(test)]
mod tests {
    use probe_ebpf::file::{FilePath, NAMES_LEN};

    use super::*;

    #[test]
    fn a_use_has_its_path_and_command() {
        let key = FileKey {
            cgroup: 7,
            inode: 1,
            device: 2,
            period: 3,
            comm: *b"cat\0rubbish.....",
        };
        let mut names = [0; NAMES_LEN];
        names[..10].copy_from_slice(b"hosts\0etc\0");
        let path = FilePath {
            inode: 1,
            device: 2,
            length: 10,
            cut: 0,
            pad: 0,
            names,
        };
        let counts = FileCounts {
            reads: 1,
            bytes_read: 12,
            ..FileCounts::default()
        };
        let used = decode(&key, &FileUse { counts, path }).unwrap();
        let file = used.file.unwrap();
        assert_eq!((&*file.path, &*file.command), ("/etc/hosts", "cat"));
        assert_eq!((used.cgroup, used.moved), (CgroupId(7), counts.into()));
        let counts = FileCounts::default();
        assert_eq!(decode(&key, &FileUse { counts, path }), None);
    }
}
