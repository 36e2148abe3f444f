//! Processes as they come and go, from the kernel's records; those older than the probe, from
//! `/proc`.
//!
//! A fork is what its parent was until it execs, and a process is gone with its exit record. A pid
//! that is reused is another process: it began at another moment.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use tracing::warn;

use super::process::{self, Listing, MAX_PROCESSES, Process, ProcessUsage};
use crate::ids::Pid;
use crate::kernel::records::{Birth, Record, What};

/// What runs, as far as records have told.
#[derive(Debug, Default)]
pub struct Processes {
    known: HashMap<Pid, Arc<Process>>,
    refused: u64,
}

impl Processes {
    /// Starts from what `/proc` lists. Records that came meanwhile may be told again afterwards.
    #[must_use]
    pub fn of(listing: Listing) -> Self {
        let known = listing.processes.into_iter();
        Self {
            known: known
                .map(|process| (process.pid, Arc::new(process)))
                .collect(),
            refused: listing.refused,
        }
    }

    /// The same, by a look at `/proc` now: of what cannot be listed, records tell.
    #[must_use]
    pub fn look() -> Self {
        let listing = process::list().inspect_err(|error| {
            warn!("processes that run already are not known by their arguments: {error}");
        });
        Self::of(listing.unwrap_or_default())
    }

    /// Takes in a record, and gives what is known of its process: at its end, for the last time.
    pub fn take_in(&mut self, record: &Record) -> Option<Arc<Process>> {
        match &record.what {
            What::Fork { birth, command } => {
                let parent = self.known.get(&birth.parent);
                let child = forked(parent.map(Arc::as_ref), birth, command);
                Some(self.keep(child))
            }
            What::Exec {
                birth,
                uid,
                command,
                path,
                command_line,
            } => {
                let line = command_line.clone();
                // What could not be read of its memory may stand in /proc.
                let line = line.or_else(|| process::command_line_of(birth.pid, command));
                let cgroup = self.same(birth).and_then(|before| before.cgroup.clone());
                Some(self.keep(Process {
                    uid: *uid,
                    command_line: line.unwrap_or_default(),
                    executable: Some(PathBuf::from(path)),
                    cgroup,
                    ..bare(birth, command)
                }))
            }
            What::Exit { birth, .. } => {
                let known = self.same(birth);
                if known.is_some() {
                    self.known.remove(&birth.pid);
                }
                known
            }
            What::Connection(connection) => self.known.get(&connection.pid?).cloned(),
            What::OomKill {
                pid,
                command: Some(_),
            } => self.known.get(pid).cloned(),
            // Who is to die is still there, more often than not.
            What::OomKill { pid, command: None } => process::of_thread(*pid).map(Arc::new),
            What::CgroupMade { .. } | What::CgroupRemoved => None,
        }
    }

    /// Processes that found no room: of those, the end is told without what was before.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn same(&self, birth: &Birth) -> Option<Arc<Process>> {
        let known = self.known.get(&birth.pid)?;
        (known.began == Some(process::cut(birth.began))).then(|| Arc::clone(known))
    }

    fn keep(&mut self, process: Process) -> Arc<Process> {
        let process = Arc::new(process);
        if self.known.len() < MAX_PROCESSES || self.known.contains_key(&process.pid) {
            self.known.insert(process.pid, Arc::clone(&process));
        } else {
            self.refused += 1;
        }
        process
    }
}

fn bare(birth: &Birth, command: &str) -> Process {
    Process {
        pid: birth.pid,
        parent: birth.parent,
        inner_pid: birth.inner_pid,
        uid: 0,
        began: Some(process::cut(birth.began)),
        started: process::since_boot(process::cut(birth.began)),
        command: command.to_owned(),
        command_line: String::new(),
        executable: None,
        cgroup: None,
        usage: ProcessUsage::default(),
    }
}

fn forked(parent: Option<&Process>, birth: &Birth, command: &str) -> Process {
    let bare = bare(birth, command);
    let Some(parent) = parent else {
        return bare;
    };
    Process {
        uid: parent.uid,
        command_line: parent.command_line.clone(),
        executable: parent.executable.clone(),
        cgroup: parent.cgroup.clone(),
        ..bare
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ids::{CgroupId, Nanos};

    fn birth(pid: u32, parent: u32, began: u64) -> Birth {
        Birth {
            pid: Pid(pid),
            inner_pid: Some(Pid(1)),
            parent: Pid(parent),
            began: Duration::from_secs(began),
        }
    }

    fn take_in(processes: &mut Processes, what: What) -> Option<Arc<Process>> {
        processes.take_in(&Record {
            time: Nanos(0),
            cgroup: CgroupId(7),
            what,
        })
    }

    fn fork(birth: Birth) -> What {
        What::Fork {
            birth,
            command: "sh".to_owned(),
        }
    }

    fn exec(birth: Birth, line: &str) -> What {
        What::Exec {
            birth,
            uid: 33,
            command: "worker".to_owned(),
            path: "/bin/worker".to_owned(),
            command_line: Some(line.to_owned()),
        }
    }

    fn exit(birth: Birth) -> What {
        What::Exit {
            birth,
            status: 0,
            signal: 0,
            command: "worker".to_owned(),
            lived: Duration::from_secs(1),
            ran: Duration::ZERO,
        }
    }

    #[test]
    fn a_fork_is_what_its_parent_is_until_it_execs() {
        let mut processes = Processes::default();
        take_in(&mut processes, exec(birth(5, 1, 10), "worker --all"));
        let child = take_in(&mut processes, fork(birth(6, 5, 20))).unwrap();
        assert_eq!(child.command_line, "worker --all");
        assert_eq!((child.uid, child.parent), (33, Pid(5)));
        take_in(&mut processes, exec(birth(6, 5, 20), "worker --one"));
        let gone = take_in(&mut processes, exit(birth(6, 5, 20))).unwrap();
        assert_eq!(gone.command_line, "worker --one");
        assert_eq!(take_in(&mut processes, exit(birth(6, 5, 20))), None);
    }

    #[test]
    fn a_pid_that_is_reused_is_another_process() {
        let mut processes = Processes::default();
        take_in(&mut processes, exec(birth(5, 1, 10), "first"));
        assert_eq!(take_in(&mut processes, exit(birth(5, 1, 40))), None);
        take_in(&mut processes, exec(birth(5, 1, 30), "second"));
        assert_eq!(take_in(&mut processes, exit(birth(5, 1, 10))), None);
        let gone = take_in(&mut processes, exit(birth(5, 1, 30))).unwrap();
        assert_eq!(gone.command_line, "second");
    }

    #[test]
    fn this_process_is_known_from_proc_as_a_record_would_tell_of_it() {
        let mut processes = Processes::of(process::list().unwrap());
        let own = Pid(std::process::id());
        let stat = procfs::process::Process::myself().unwrap().stat().unwrap();
        // The kernel's clock tick, a hundredth of a second, is what both are cut to.
        let began = Duration::from_millis(stat.starttime * 10) + Duration::from_micros(1234);
        let birth = Birth {
            pid: own,
            inner_pid: None,
            parent: Pid(1),
            began,
        };
        let known = take_in(&mut processes, exit(birth)).unwrap();
        assert_eq!(known.executable, std::env::current_exe().ok());
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let mut processes = Processes::default();
        let most = u32::try_from(MAX_PROCESSES).unwrap();
        for pid in 0..=most {
            take_in(&mut processes, fork(birth(pid, 0, 10)));
        }
        assert_eq!(processes.refused(), 1);
        assert_eq!(take_in(&mut processes, exit(birth(most, 0, 10))), None);
    }
}
