//! A directory that becomes an image's root.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::debian::{self, Found};
use crate::shell;

/// Users that servers want to run as; the names and numbers are Debian's.
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
    www-data:x:33:33:www-data:/var/www:/bin/sh\n\
    postgres:x:70:70:postgres:/var/lib/postgresql:/bin/sh\n\
    nobody:x:65534:65534:nobody:/:/bin/sh\n";
const GROUP: &str = "root:x:0:\nwww-data:x:33:\npostgres:x:70:\nnogroup:x:65534:\n";

/// An image's root while it is being filled.
#[derive(Debug)]
pub struct Rootfs {
    dir: PathBuf,
}

impl Rootfs {
    /// The directories every program takes for granted, and the users.
    pub(crate) fn new(dir: &Path) -> Result<Self> {
        let root = Self {
            dir: dir.to_owned(),
        };
        let directories = [
            "bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "var/tmp",
        ];
        for directory in directories {
            root.directory(directory)?;
        }
        for open in ["tmp", "var/tmp", "run"] {
            fs::set_permissions(dir.join(open), Permissions::from_mode(0o1777))?;
        }
        root.file("etc/passwd", PASSWD, 0o644)?;
        root.file("etc/group", GROUP, 0o644)?;
        root.file("etc/nsswitch.conf", "hosts: files dns\n", 0o644)?;
        Ok(root)
    }

    /// A directory with all above it.
    pub fn directory(&self, path: &str) -> Result<()> {
        let directory = self.dir.join(path);
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))
    }

    /// A file with this content and mode.
    pub fn file(&self, path: &str, content: &str, mode: u32) -> Result<()> {
        let file = self.parented(Path::new(path))?;
        fs::write(&file, content)
            .and_then(|()| fs::set_permissions(&file, Permissions::from_mode(mode)))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// Gives a path to a user, by number.
    pub fn owner(&self, path: &str, user: u32) -> Result<()> {
        let path = self.dir.join(path);
        std::os::unix::fs::chown(&path, Some(user), Some(user))
            .with_context(|| format!("cannot give {} to user {user}", path.display()))
    }

    /// A copy of one file of this machine.
    pub fn copy_to(&self, from: &Path, path: &str) -> Result<()> {
        let to = self.parented(Path::new(path))?;
        fs::copy(from, &to)
            .map(drop)
            .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
    }

    /// busybox under the name of each of its commands.
    pub fn busybox(&mut self) -> Result<()> {
        let busybox = debian::program("busybox")?.file();
        if !libraries(&busybox, Path::new("/"))?.is_empty() {
            bail!(
                "{} is not a static one: install busybox-static",
                busybox.display()
            );
        }
        self.copy_to(&busybox, "bin/busybox")?;
        let commands = shell::output(shell::command(&busybox).arg("--list"))?;
        for command in commands.lines().filter(|command| *command != "busybox") {
            let link = self.dir.join("bin").join(command);
            symlink("busybox", &link).with_context(|| format!("cannot link {}", link.display()))?;
        }
        Ok(())
    }

    /// A program with the libraries it is linked to, each where it is on this machine. Gives
    /// where that is.
    pub fn program(&self, name: &str) -> Result<Found> {
        let found = debian::program(name)?;
        self.linked(&found)?;
        Ok(found)
    }

    /// A program of this workspace, with the libraries it is linked to if it is.
    pub fn program_at(&self, from: &Path, path: &str) -> Result<()> {
        self.copy_to(from, path)?;
        self.libraries_of(from, Path::new("/"))
    }

    /// A file that is linked to libraries, with these.
    pub fn linked(&self, found: &Found) -> Result<()> {
        self.copy(found)?;
        self.libraries_of(&found.file(), &found.root)
    }

    fn libraries_of(&self, file: &Path, root: &Path) -> Result<()> {
        for library in libraries(file, root)? {
            let path = library.strip_prefix(root).unwrap_or(&library);
            // The loader is named by an absolute path, and looks for a library in its own list of
            // directories: in both cases where this machine has it.
            let path = path.strip_prefix("/").unwrap_or(path);
            let to = self.parented(path)?;
            if !to.exists() {
                fs::copy(&library, &to)
                    .with_context(|| format!("cannot copy {}", library.display()))?;
            }
        }
        Ok(())
    }

    /// A file or a whole directory of this machine, with modes and links as they are.
    pub fn copy(&self, found: &Found) -> Result<()> {
        let to = self.parented(&found.path)?;
        if to.exists() {
            return Ok(());
        }
        let mut cp = shell::command("cp");
        // A link on the way to a program leads to the program.
        let flags: &[&str] = if found.file().is_dir() {
            &["-a"]
        } else {
            &["-pL"]
        };
        shell::output(cp.args(flags).arg(found.file()).arg(&to)).map(drop)
    }

    fn parented(&self, path: &Path) -> Result<PathBuf> {
        let file = self.dir.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot make {}", parent.display()))?;
        }
        Ok(file)
    }
}

/// What `ldd` finds for a file: its libraries and the loader, none for a static one.
fn libraries(file: &Path, root: &Path) -> Result<BTreeSet<PathBuf>> {
    let arch = std::env::consts::ARCH;
    let directories = [
        root.join(format!("usr/lib/{arch}-linux-gnu")),
        root.join(format!("lib/{arch}-linux-gnu")),
    ];
    let search = std::env::join_paths(&directories).context("a path with a colon")?;
    let printed = shell::command("ldd")
        .arg(file)
        .env("LD_LIBRARY_PATH", search)
        .output()
        .context("cannot start ldd")?;
    // Of a static file it says so, and fails.
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    let mut found = BTreeSet::new();
    for line in printed.lines().map(str::trim) {
        if line.ends_with("not found") {
            bail!("{} lacks a library: {line}", file.display());
        }
        // `libc.so.6 => /lib/… (0x…)`, `/lib64/ld-linux… (0x…)`, or `linux-vdso.so.1 (0x…)`.
        let path = line.split_once("=> ").map_or(line, |(_, path)| path);
        let path = path.split(" (").next().unwrap_or_default();
        if path.starts_with('/') {
            found.insert(PathBuf::from(path));
        }
    }
    Ok(found)
}
