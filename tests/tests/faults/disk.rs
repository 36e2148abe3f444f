//! A full disk.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use probe_tests::place;

use crate::{NO_ENGINE, ends, is_ready, spawn};

/// A file system of one page and two files, unmounted when dropped.
struct Tiny(PathBuf);

impl Tiny {
    fn mount(directory: &Path) -> Self {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4k,nr_inodes=3", "tmpfs"]);
        assert!(mount.arg(directory).status().unwrap().success());
        Self(directory.to_owned())
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_an_error_of_what_writes_and_none_of_what_logs() {
    let directory = tempfile::tempdir().unwrap();
    let tiny = Tiny::mount(directory.path());
    let output = Command::new(place::probe())
        .args(["graph", "--schema"])
        .stdout(File::create(tiny.0.join("schema.json")).unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("No space left on device"), "{said}");
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");

    // Now there is no room for a log.
    let mut log = File::create(tiny.0.join("log")).unwrap();
    log.write_all(b"x").unwrap_err();
    let elsewhere = tempfile::tempdir().unwrap();
    let socket = elsewhere.path().join("probe.sock");
    let agent = spawn(&socket, Stdio::from(log));
    is_ready(&socket);
    ends(agent);
}

#[test]
fn where_no_socket_can_be_made_it_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let tiny = Tiny::mount(directory.path());
    for name in ["one", "two"] {
        File::create(tiny.0.join(name)).unwrap();
    }
    let output = Command::new(place::probe())
        .args(["run", "--listen", "none", "--engine", NO_ENGINE, "--socket"])
        .arg(tiny.0.join("probe.sock"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("probe.sock") && said.contains("No space left"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");
}
