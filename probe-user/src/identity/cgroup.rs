//! The cgroup v2 hierarchy: where it is mounted, and which ids its directories have.
//!
//! A cgroup's id is the inode number of its directory. On a hybrid host the hierarchy has no
//! controllers and is mounted at `/sys/fs/cgroup/unified`; ids and paths are the same.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::ids::CgroupId;

const MOUNTINFO: &str = "/proc/self/mountinfo";

/// The inode of the hierarchy's root: kernfs numbers its nodes from one (`kernfs_create_root`).
const ROOT_INODE: u64 = 1;

/// Why the cgroups could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// No cgroup2 file system in this mount namespace.
    #[error(
        "no cgroup v2 hierarchy is mounted: mount one with `mount -t cgroup2 none /sys/fs/cgroup/unified`, \
         or in a container run it with `--cgroupns=host -v /sys/fs/cgroup:/sys/fs/cgroup:ro`"
    )]
    NoCgroup2,
    /// A mount is there, but its root is a cgroup namespace's or a bind mount's, not the host's.
    #[error(
        "{} shows only a part of the cgroups: run the container with \
         `--cgroupns=host -v /sys/fs/cgroup:/sys/fs/cgroup:ro`", path.display()
    )]
    Partial {
        /// The mount point.
        path: PathBuf,
    },
    /// A file or directory that must be there cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Where the whole cgroup v2 hierarchy is mounted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CgroupMount {
    path: PathBuf,
}

impl CgroupMount {
    /// Finds the mount in `/proc/self/mountinfo`, one that shows the hierarchy from its root.
    ///
    /// # Errors
    /// [`CgroupError::NoCgroup2`] without a mount, [`CgroupError::Partial`] when every one shows
    /// a part only.
    pub fn find() -> Result<Self, CgroupError> {
        let mountinfo = fs::read(MOUNTINFO).map_err(|source| CgroupError::Read {
            path: MOUNTINFO.into(),
            source,
        })?;
        let mut partial = None;
        for path in cgroup2_mounts(&mountinfo) {
            if fs::metadata(&path).is_ok_and(|root| root.ino() == ROOT_INODE) {
                return Ok(Self { path });
            }
            partial.get_or_insert(path);
        }
        Err(partial.map_or(CgroupError::NoCgroup2, |path| CgroupError::Partial { path }))
    }

    /// Takes `path` for the root of the hierarchy, unchecked.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The mount point.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every cgroup there is now, parents before children, with its path from the root of the
    /// hierarchy: `/` for the root itself, as the kernel's cgroup tracepoints write it.
    ///
    /// One `getdents` a directory and no `stat`: 10,000 cgroups take well under a second. A
    /// cgroup removed while it is read is left out.
    ///
    /// # Errors
    /// [`CgroupError::Read`] when the mount point itself cannot be read.
    pub fn walk(&self) -> Result<Vec<(CgroupId, String)>, CgroupError> {
        let failed = |source| CgroupError::Read {
            path: self.path.clone(),
            source,
        };
        let root = fs::metadata(&self.path).map_err(failed)?;
        let mut found = vec![(CgroupId(root.ino()), "/".to_owned())];
        children(&self.path, "/", &mut found).map_err(failed)?;
        // The list is also the queue: what is behind `next` has been read.
        let mut next = 1;
        while next < found.len() {
            let path = found[next].1.clone();
            let directory = self.path.join(&path[1..]);
            // It may be gone by now; what it held is then gone too.
            let _ = children(&directory, &path, &mut found);
            next += 1;
        }
        Ok(found)
    }
}

fn children(directory: &Path, path: &str, found: &mut Vec<(CgroupId, String)>) -> io::Result<()> {
    let parent = path.trim_end_matches('/');
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let name = entry.file_name();
            let path = format!("{parent}/{}", name.to_string_lossy());
            found.push((CgroupId(entry.ino()), path));
        }
    }
    Ok(())
}

/// The mount points of all cgroup2 file systems, in order. The format is proc(5)'s:
/// `41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw`, where any
/// number of optional fields precede the dash.
fn cgroup2_mounts(mountinfo: &[u8]) -> Vec<PathBuf> {
    mountinfo
        .split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let mut fields = line.split(|&byte| byte == b' ');
            let mount_point = fields.nth(4)?;
            let fs_type = fields.skip_while(|field| *field != b"-").nth(1)?;
            (fs_type == b"cgroup2").then(|| unescape(mount_point))
        })
        .collect()
}

/// The kernel writes space, tab, newline and backslash as three octal digits (`mangle_path`).
fn unescape(field: &[u8]) -> PathBuf {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        let octal = (byte == b'\\')
            .then(|| tail.get(..3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(byte) = octal {
            plain.push(byte);
            rest = &tail[3..];
        } else {
            plain.push(byte);
            rest = tail;
        }
    }
    PathBuf::from(OsString::from_vec(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mountinfo: &str, expected: &[&str]) {
        let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
        assert_eq!(
            cgroup2_mounts(mountinfo.as_bytes()),
            expected,
            "{mountinfo}"
        );
    }

    #[test]
    fn unified_hosts_mount_it_at_the_top() {
        check(
            "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
            &["/sys/fs/cgroup"],
        );
    }

    #[test]
    fn hybrid_hosts_mount_it_below_the_controllers() {
        check(
            "31 22 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n\
             40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n\
             41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
            &["/sys/fs/cgroup/unified"],
        );
    }

    #[test]
    fn optional_fields_and_escapes_are_read() {
        check(
            "41 31 0:38 / /mnt/my\\040cgroups rw shared:1 master:2 - cgroup2 none rw\n",
            &["/mnt/my cgroups"],
        );
        check("", &[]);
        check("garbage\n", &[]);
    }

    #[test]
    fn a_walk_finds_each_directory_with_its_inode() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir_all(temp.path().join("docker/abc")).unwrap();
        fs::create_dir(temp.path().join("init.scope")).unwrap();
        fs::write(temp.path().join("cgroup.procs"), "").unwrap();
        let mut found = CgroupMount::at(temp.path()).walk().unwrap();
        found.sort_by(|a, b| a.1.cmp(&b.1));
        let paths: Vec<&str> = found.iter().map(|(_, path)| path.as_str()).collect();
        assert_eq!(paths, ["/", "/docker", "/docker/abc", "/init.scope"]);
        for (id, path) in &found {
            let inode = fs::metadata(temp.path().join(&path[1..])).unwrap().ino();
            assert_eq!(id.0, inode, "{path}");
        }
    }

    #[test]
    fn a_mount_point_that_is_not_there_is_named() {
        let error = CgroupMount::at("/nonexistent/cgroup").walk().unwrap_err();
        assert!(error.to_string().contains("/nonexistent/cgroup"), "{error}");
    }
}
