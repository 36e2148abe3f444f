//! Walls around the daemon, for the day somebody makes it do what it was not meant to do.
//!
//! | wall | what is behind it |
//! |---|---|
//! | `no_new_privs` | nothing it could start gains privileges |
//! | seccomp | starting programs, tracing and loading into the kernel: see [`seccomp`] |
//! | Landlock | every file but those it reads; it writes none, and removes its own socket |
//!
//! All three are a thread's and are inherited: they must stand before there is a second one. What
//! a kernel does not have is said, and the daemon runs without.
//!
//! Landlock takes one thing away that is missed: `/proc/PID/exe` of others, which counts as tracing
//! them. So processes are listed without their file behind it.

mod files;
mod seccomp;

use std::{fmt, path::Path};

use landlock::RulesetStatus;
use tracing::debug;

/// What stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Walls {
    /// Dangerous system calls are refused.
    pub seccomp: bool,
    /// Other files are.
    pub landlock: bool,
}

impl Walls {
    /// Builds them around this thread and all that it will start. `socket` is removed in the end.
    #[must_use]
    pub fn build(socket: Option<&Path>) -> Self {
        let landlock = match files::confine(socket) {
            Ok(RulesetStatus::NotEnforced) => false,
            Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) => true,
            Err(error) => {
                debug!("no Landlock: {error}");
                false
            }
        };
        let seccomp = match seccomp::confine() {
            Ok(()) => true,
            Err(error) => {
                debug!("no seccomp: {error}");
                false
            }
        };
        Self { seccomp, landlock }
    }
}

impl fmt::Display for Walls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let walls = [("seccomp", self.seccomp), ("Landlock", self.landlock)];
        f.write_str("confined by no_new_privs")?;
        for (name, _) in walls.iter().filter(|(_, stands)| *stands) {
            write!(f, ", {name}")?;
        }
        for (name, _) in walls.iter().filter(|(_, stands)| !*stands) {
            write!(f, ", not by {name}, which this kernel refuses")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io, net::UdpSocket, process::Command, thread};

    use super::*;

    #[test]
    fn what_stands_is_said() {
        let check = |seccomp, landlock, said: &str| {
            let walls = Walls { seccomp, landlock };
            assert_eq!(walls.to_string(), said);
        };
        check(true, true, "confined by no_new_privs, seccomp, Landlock");
        check(
            true,
            false,
            "confined by no_new_privs, seccomp, not by Landlock, which this kernel refuses",
        );
    }

    /// On a thread of its own, which takes the walls with it.
    #[test]
    fn within_nothing_is_started_or_written_and_files_are_read() {
        let within = || {
            let directory = tempfile::tempdir().unwrap();
            let socket = directory.path().join("probe.sock");
            fs::write(&socket, "").unwrap();
            let walls = Walls::build(Some(&socket));
            assert!(walls.seccomp, "every kernel we know has it");
            let refused = |result: io::Result<()>| {
                assert_eq!(result.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
            };
            refused(Command::new("/bin/true").status().map(drop));
            // SAFETY: it takes three numbers and touches no memory of ours.
            let raw = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) };
            assert_eq!(
                (raw, io::Error::last_os_error().raw_os_error()),
                (-1, Some(libc::EPERM))
            );
            UdpSocket::bind("127.0.0.1:0").unwrap();
            fs::read_to_string("/proc/self/status").unwrap();
            thread::spawn(|| ()).join().unwrap();
            if walls.landlock {
                refused(fs::write(directory.path().join("new"), ""));
                refused(fs::read(&socket).map(drop));
                refused(fs::read("/root/.bashrc").map(drop));
            }
            fs::remove_file(&socket).unwrap();
            // The directory is not removed by who may only remove files in it.
            directory.keep()
        };
        let directory = thread::spawn(within).join().unwrap();
        fs::remove_dir_all(directory).unwrap();
    }
}
