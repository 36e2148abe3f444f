//! The kernel programs and maps that a process holds, as the kernel tells of them.

use std::fs;
use std::mem::{offset_of, size_of};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use anyhow::{Context, Result};

use crate::probe::Probe;

/// A loaded program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Program {
    /// Its name, of which the kernel keeps 15 bytes.
    pub name: String,
    /// Instructions that the verifier walked through; not known before 5.16.
    pub verified: Option<u64>,
    /// Runs while `kernel.bpf_stats_enabled` was 1.
    pub runs: u64,
    /// Nanoseconds of these, measuring included.
    pub nanoseconds: u64,
}

/// The programs of a process.
///
/// # Errors
///
/// Without root, or when the process has ended.
pub fn of(pid: u32) -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    for info in descriptors(pid)? {
        // A link tells of its program too, but has no such type.
        if field(&info, "prog_type").is_none() {
            continue;
        }
        let number = |name| field(&info, name).and_then(|value| value.parse().ok());
        let id = number("prog_id").context("a program has no id")?;
        programs.push((
            id,
            Program {
                name: name(u32::try_from(id)?)?,
                verified: number("verified_insns"),
                runs: number("run_cnt").unwrap_or_default(),
                nanoseconds: number("run_time_ns").unwrap_or_default(),
            },
        ));
    }
    // In the order they were loaded in; one may be held twice.
    programs.sort_by_key(|(id, _)| *id);
    programs.dedup_by_key(|(id, _)| *id);
    Ok(programs.into_iter().map(|(_, program)| program).collect())
}

/// The programs and maps that a process holds, by id, to see them go with it.
#[derive(Clone, Debug)]
pub struct Held {
    programs: Vec<u32>,
    maps: Vec<u32>,
}

impl Held {
    /// Those of a process.
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn by(pid: u32) -> Result<Self> {
        let infos = descriptors(pid)?;
        let ids = |kind: &str, id: &str| {
            // Links tell of a program too, programs of the maps' bytes.
            let of = |info: &String| field(info, kind).and(field(info, id))?.parse().ok();
            infos.iter().filter_map(of).collect()
        };
        Ok(Self {
            programs: ids("prog_type", "prog_id"),
            maps: ids("map_type", "map_id"),
        })
    }

    /// How many programs they were.
    #[must_use]
    pub const fn programs(&self) -> usize {
        self.programs.len()
    }

    /// How many of them the kernel still has, whoever holds them. None is opened: a map of programs whose
    /// last descriptor is closed is emptied a moment later, and one that is opened and closed in between
    /// the kernel keeps for ever (6.18).
    #[must_use]
    pub fn left(&self) -> usize {
        let there = |command, ids: &[u32]| ids.iter().filter(|id| exists(command, **id)).count();
        there(PROG_GET_NEXT_ID, &self.programs) + there(MAP_GET_NEXT_ID, &self.maps)
    }
}

/// Bytes of all maps of a process, as the kernel accounts for them.
///
/// # Errors
///
/// Without root, or when the process has ended.
pub fn map_bytes(pid: u32) -> Result<u64> {
    let mut maps: Vec<(u64, u64)> = descriptors(pid)?
        .iter()
        .filter(|info| field(info, "map_type").is_some())
        .filter_map(|info| {
            let id = field(info, "map_id")?.parse().ok()?;
            Some((id, field(info, "memlock")?.parse().ok()?))
        })
        .collect();
    maps.sort_unstable();
    maps.dedup();
    Ok(maps.iter().map(|(_, bytes)| bytes).sum())
}

/// What `probe ARGS` loads where there is no engine: the names of its programs, and bytes of all maps.
///
/// # Errors
///
/// When it does not trace.
pub fn loaded_by(args: &[&str]) -> Result<(Vec<String>, u64)> {
    let probe = Probe::alone(args)?;
    let loaded = (of(probe.pid())?, map_bytes(probe.pid())?);
    probe.interrupt()?;
    let names = loaded.0.into_iter().map(|program| program.name);
    Ok((names.collect(), loaded.1))
}

/// What the kernel tells of each of a process's descriptors.
fn descriptors(pid: u32) -> Result<Vec<String>> {
    let directory = format!("/proc/{pid}/fdinfo");
    let entries = fs::read_dir(&directory).with_context(|| format!("cannot read {directory}"))?;
    // One may be closed meanwhile.
    Ok(entries
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .collect())
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let values = info.lines().filter_map(|line| line.split_once(':'));
    values
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.trim())
        .next()
}

/// The beginning of the kernel's `struct bpf_prog_info`, as far as the name.
#[repr(C)]
struct Info {
    before: [u64; 8],
    name: [u8; 16],
}

/// For `BPF_PROG_GET_FD_BY_ID`, `BPF_PROG_GET_NEXT_ID` and `BPF_MAP_GET_NEXT_ID`.
#[repr(C)]
struct ById {
    id: u32,
    next_id: u32,
    flags: u32,
}

/// For `BPF_OBJ_GET_INFO_BY_FD`.
#[repr(C)]
struct InfoByFd {
    fd: u32,
    length: u32,
    info: u64,
}

const PROG_GET_NEXT_ID: libc::c_int = 11;
const MAP_GET_NEXT_ID: libc::c_int = 12;
const PROG_GET_FD_BY_ID: libc::c_int = 13;
const OBJ_GET_INFO_BY_FD: libc::c_int = 15;
const _: () = assert!(offset_of!(Info, name) == 64 && size_of::<Info>() == 80);

/// A program's name, by its id.
fn name(id: u32) -> Result<String> {
    let program = open(id)?;
    let mut info = Info {
        before: [0; 8],
        name: [0; 16],
    };
    let mut question = InfoByFd {
        fd: u32::try_from(program.as_raw_fd())?,
        length: u32::try_from(size_of::<Info>())?,
        info: (&raw mut info).expose_provenance() as u64,
    };
    bpf(OBJ_GET_INFO_BY_FD, &mut question)
        .with_context(|| format!("program {id} tells nothing"))?;
    let name = info.name.split(|byte| *byte == 0).next();
    Ok(String::from_utf8_lossy(name.unwrap_or_default()).into_owned())
}

/// Whether there is a program, or a map, of that id: the next one after the id before it.
fn exists(next: libc::c_int, id: u32) -> bool {
    let mut before = ById {
        id: id - 1,
        next_id: 0,
        flags: 0,
    };
    bpf(next, &mut before).is_ok() && before.next_id == id
}

/// A program, by its id.
fn open(id: u32) -> Result<OwnedFd> {
    let mut wanted = ById {
        id,
        next_id: 0,
        flags: 0,
    };
    let fd = bpf(PROG_GET_FD_BY_ID, &mut wanted).with_context(|| format!("{id} is gone"))?;
    // SAFETY: the kernel just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn bpf<T>(command: libc::c_int, attributes: &mut T) -> std::io::Result<i32> {
    // SAFETY: each command above gets its own structure, whose address, and the one in it, are
    // valid for as long as the call.
    let returned = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_mut(attributes),
            size_of::<T>(),
        )
    };
    if returned < 0 {
        return Err(std::io::Error::last_os_error());
    }
    i32::try_from(returned).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let info = "pos:\t0\nprog_type:\t26\nprog_id:\t7\n";
        assert_eq!(field(info, "prog_id"), Some("7"));
        assert_eq!(field(info, "prog"), None);
    }
}
