//! Processes: what runs, since when, for whom, and in which container.
//!
//! A pid is reused; a process is a pid and the moment it began. What is known comes from `/proc`,
//! all at once, and from the kernel's records as they happen.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use procfs::process::{Process as ProcEntry, Stat, all_processes};
use procfs::{ProcError, ProcessCGroup, boot_time_secs, page_size, ticks_per_second};

use super::layout;
use crate::ids::Pid;

/// Bytes kept of a command line.
pub const COMMAND_LINE_LEN: usize = 4096;

/// Processes known at once; further ones are refused and counted.
pub const MAX_PROCESSES: usize = 65_536;

/// One process, a thread group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Process {
    /// In the host's pid namespace.
    pub pid: Pid,
    /// Its parent there; 0 for none.
    pub parent: Pid,
    /// In its own pid namespace, the container's, when the kernel tells.
    pub inner_pid: Option<Pid>,
    /// Effective user id.
    pub uid: u32,
    /// The same since boot, which stays what it is when the wall clock is set: with the pid it tells a
    /// process apart. `None` if an agent told of it.
    pub began: Option<Duration>,
    /// When it began, to the kernel's clock tick of a hundredth of a second.
    pub started: Option<Timestamp>,
    /// The command, at most 15 bytes.
    pub command: String,
    /// Its arguments, the program first, joined by spaces; empty for a kernel thread. At most
    /// [`COMMAND_LINE_LEN`] bytes.
    pub command_line: String,
    /// The program's file, as `/proc` shows it; `None` for a kernel thread or when it is hidden.
    pub executable: Option<PathBuf>,
    /// Its cgroup's path: in v2, unless v1 alone tells of its container.
    pub cgroup: Option<Arc<str>>,
    /// What it has used.
    pub usage: ProcessUsage,
}

/// What a process has used, and uses now.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ProcessUsage {
    /// CPU time of its threads, to the clock tick.
    pub cpu: Duration,
    /// CPU time of its children that ended and were waited for, and of theirs.
    pub children: Duration,
    /// Memory it holds, in bytes, with what it shares.
    pub resident: u64,
    /// Its threads.
    pub threads: u64,
    /// Whether it has ended, and its parent has not asked how.
    pub ended: bool,
}

impl ProcessUsage {
    fn of(stat: &Stat) -> Self {
        let ticks = |ticks: u64| {
            let millis = ticks.saturating_mul(1000) / ticks_per_second();
            Duration::from_millis(millis)
        };
        let children = stat.cutime.saturating_add(stat.cstime);
        Self {
            cpu: ticks(stat.utime.saturating_add(stat.stime)),
            children: ticks(u64::try_from(children).unwrap_or_default()),
            resident: stat.rss.saturating_mul(page_size()),
            threads: u64::try_from(stat.num_threads).unwrap_or_default(),
            ended: matches!(stat.state, 'Z' | 'X'),
        }
    }
}

/// Lists what runs. Processes that end meanwhile are left out.
///
/// # Errors
/// When `/proc` cannot be listed.
pub fn list() -> Result<Listing, ProcError> {
    let mut listing = Listing::default();
    let mut cgroups: HashMap<String, Arc<str>> = HashMap::new();
    for entry in all_processes()?.flatten() {
        if listing.processes.len() >= MAX_PROCESSES {
            listing.refused += 1;
        } else if let Ok(process) = read(&entry, &mut cgroups) {
            listing.processes.push(process);
        }
    }
    listing.processes.sort_by_key(|process| process.pid);
    Ok(listing)
}

/// What [`list`] found.
#[derive(Debug, Default)]
pub struct Listing {
    /// By pid.
    pub processes: Vec<Process>,
    /// Processes beyond [`MAX_PROCESSES`].
    pub refused: u64,
}

fn read(entry: &ProcEntry, cgroups: &mut HashMap<String, Arc<str>>) -> Result<Process, ProcError> {
    let stat = entry.stat()?;
    let status = entry.status()?;
    let began = began(&stat);
    let cgroup = entry.cgroups().ok().and_then(|groups| {
        let path = cgroup_path(groups.0)?;
        let shared = cgroups
            .entry(path)
            .or_insert_with_key(|path| path.as_str().into());
        Some(Arc::clone(shared))
    });
    Ok(Process {
        pid: pid(entry.pid),
        parent: pid(stat.ppid),
        // Outermost namespace first: the last one is the process's own.
        inner_pid: status
            .nspid
            .as_ref()
            .and_then(|all| all.last())
            .map(|own| pid(*own)),
        uid: status.euid,
        began: Some(began),
        started: since_boot(began),
        usage: ProcessUsage::of(&stat),
        command: stat.comm,
        command_line: command_line(&entry.cmdline().unwrap_or_default()),
        executable: entry.exe().ok().filter(|path| path != Path::new("")),
        cgroup,
    })
}

/// The command line of a process that a record has just told of, if it is still there and still
/// what the record says.
#[must_use]
pub fn command_line_of(pid: Pid, command: &str) -> Option<String> {
    let place = Path::new("/proc").join(pid.to_string());
    let mut bytes = Vec::new();
    let file = File::open(place.join("cmdline")).ok()?;
    let most = u64::try_from(COMMAND_LINE_LEN).ok()?;
    // A command line may have megabytes.
    file.take(most + 1).read_to_end(&mut bytes).ok()?;
    // Read after it: had the process become another meanwhile, its name would tell.
    let now = fs::read_to_string(place.join("comm")).ok()?;
    if now.trim_end_matches('\n') != command || bytes.is_empty() {
        return None;
    }
    let text = String::from_utf8_lossy(&bytes);
    let arguments: Vec<_> = text
        .trim_end_matches('\0')
        .split('\0')
        .map(str::to_owned)
        .collect();
    Some(command_line(&arguments))
}

/// The process that a thread belongs to, while it is there.
#[must_use]
pub fn of_thread(thread: Pid) -> Option<Process> {
    let thread = ProcEntry::new(thread.0.try_into().ok()?).ok()?;
    let leader = ProcEntry::new(thread.status().ok()?.tgid).ok()?;
    read(&leader, &mut HashMap::new()).ok()
}

/// The cgroup's path and the command of a process, if it is still there.
#[must_use]
pub fn place_of(pid: Pid) -> Option<(String, String)> {
    let entry = ProcEntry::new(pid.0.try_into().ok()?).ok()?;
    let path = cgroup_path(entry.cgroups().ok()?.0)?;
    Some((path, entry.stat().ok()?.comm))
}

/// Of the lines of `/proc/PID/cgroup` the path of v2, unless one of v1 alone tells of a container: on a
/// hybrid host old runtimes leave v2 as it is.
fn cgroup_path(groups: Vec<ProcessCGroup>) -> Option<String> {
    let (v2, v1): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| group.hierarchy == 0);
    let tells = |path: &String| layout::container_in(path).is_some();
    let v2 = v2.into_iter().next().map(|group| group.pathname);
    if v2.as_ref().is_some_and(tells) {
        return v2;
    }
    let mut v1 = v1.into_iter().map(|group| group.pathname);
    v1.find(tells).or(v2)
}

fn pid(number: i32) -> Pid {
    Pid(number.cast_unsigned())
}

/// `starttime` counts clock ticks since boot.
fn began(stat: &Stat) -> Duration {
    Duration::from_millis(stat.starttime.saturating_mul(1000) / ticks_per_second())
}

/// A time of `CLOCK_BOOTTIME`, cut to the clock tick as `/proc` has it.
#[must_use]
pub fn cut(time: Duration) -> Duration {
    let tick = 1000 / ticks_per_second();
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis / tick * tick)
}

/// When that was, by the wall clock as it goes now.
pub(super) fn since_boot(time: Duration) -> Option<Timestamp> {
    let boot = i64::try_from(boot_time_secs().ok()?).ok()?;
    let since = u64::try_from(time.as_millis()).ok()?;
    Timestamp::from_millisecond(boot.saturating_mul(1000).saturating_add_unsigned(since)).ok()
}

/// Joined by spaces and cut at a character's end.
fn command_line(arguments: &[String]) -> String {
    let mut line = arguments.join(" ");
    if line.len() > COMMAND_LINE_LEN {
        let mut end = COMMAND_LINE_LEN;
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
    }
    line
}

#[cfg(test)]
mod tests;
