//! A slot: the directory, the network namespace and the addresses that one engine has for itself.
//!
//! A private network namespace keeps engines apart: each start of a dockerd flushes the iptables
//! chains of every other one in the same namespace. A pair of veth devices ties it to the host, as
//! a cable would tie two machines, so published ports can be reached from here.
//!
//! A slot is taken by a lock on a file, which the kernel releases however its owner ends. Whoever
//! takes a slot first clears away what its last owner may have left.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, io};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{shell, wait};

/// Engines that can live on one machine at a time.
const SLOTS: u8 = 64;
/// How long processes that were killed may take to be gone.
const KILL_DEADLINE: Duration = Duration::from_secs(5);

/// One engine's own place. Dropping it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Slot {
    index: u8,
    /// Everything the engine writes.
    pub(crate) dir: PathBuf,
    /// Held as long as the slot is.
    _lock: File,
}

impl Slot {
    /// Takes the first free slot and sets up its network.
    pub(crate) fn take() -> Result<Self> {
        let base = env::temp_dir().join("probe-engines");
        fs::create_dir_all(&base).with_context(|| format!("cannot make {}", base.display()))?;
        for index in 0..SLOTS {
            let path = base.join(format!("{index}.lock"));
            let lock =
                File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
            if lock.try_lock().is_err() || routed(address(index, 2))? {
                continue;
            }
            let slot = Self {
                index,
                dir: base.join(index.to_string()),
                _lock: lock,
            };
            slot.clear();
            fs::create_dir_all(&slot.dir)
                .with_context(|| format!("cannot make {}", slot.dir.display()))?;
            slot.connect()
                .context("cannot set up a network namespace (are we root?)")?;
            return Ok(slot);
        }
        bail!(
            "all {SLOTS} slots for engines are taken, see {}",
            base.display()
        )
    }

    /// Takes that slot unless somebody has it.
    fn lock(base: &Path, index: u8) -> Result<Option<Self>> {
        let path = base.join(format!("{index}.lock"));
        let lock =
            File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        if lock.try_lock().is_err() {
            return Ok(None);
        }
        Ok(Some(Self {
            index,
            dir: base.join(index.to_string()),
            _lock: lock,
        }))
    }

    /// The network namespace, as a file to enter it by.
    pub(crate) fn netns(&self) -> PathBuf {
        Path::new("/run/netns").join(self.netns_name())
    }

    /// Where the engine's published ports answer, seen from the host.
    pub(crate) fn address(&self) -> Ipv4Addr {
        address(self.index, 2)
    }

    fn netns_name(&self) -> String {
        format!("probe-engine-{}", self.index)
    }

    fn veth(&self) -> String {
        format!("probe-{}", self.index)
    }

    fn connect(&self) -> Result<()> {
        let (netns, veth) = (self.netns_name(), self.veth());
        let host = address(self.index, 1).to_string();
        let ours = format!("{host}/30");
        let theirs = format!("{}/30", self.address());
        let ip = |args: &[&str]| shell::run("ip", args);
        ip(&["netns", "add", &netns])?;
        ip(&[
            "link", "add", &veth, "type", "veth", "peer", "name", "host0", "netns", &netns,
        ])?;
        ip(&["address", "add", &ours, "dev", &veth])?;
        ip(&["link", "set", &veth, "up"])?;
        ip(&["-n", &netns, "link", "set", "lo", "up"])?;
        ip(&["-n", &netns, "address", "add", &theirs, "dev", "host0"])?;
        ip(&["-n", &netns, "link", "set", "host0", "up"])?;
        ip(&["-n", &netns, "route", "add", "default", "via", &host])?;
        Ok(())
    }

    /// Takes everything away that an engine makes. What is not there is no error.
    fn clear(&self) {
        if self.dir.exists() {
            // A cgroup can be removed once nobody is left in it. Whoever does not end in time is
            // left to whoever takes the slot next.
            let _ = wait::until("its processes end", KILL_DEADLINE, || {
                let left = owned_processes(&self.dir);
                for &pid in &left {
                    // It may have ended by itself meanwhile.
                    let _ = kill(pid, Signal::SIGKILL);
                }
                Ok(left.is_empty().then_some(()))
            });
            remove_cgroups(&self.dir);
            for mount in mounts_under(&self.dir).iter().rev() {
                let _ = shell::run("umount", &["--lazy", mount]);
            }
            let _ = fs::remove_dir_all(&self.dir);
        }
        if self.netns().exists() {
            // The veth pair goes with it.
            let _ = shell::run("ip", &["netns", "delete", &self.netns_name()]);
        }
        if Path::new("/sys/class/net").join(self.veth()).exists() {
            let _ = shell::run("ip", &["link", "delete", &self.veth()]);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Clears away what owners that were killed have left in any slot.
pub(crate) fn sweep() -> Result<()> {
    let base = base();
    for index in 0..SLOTS {
        if base.join(index.to_string()).exists() {
            // Cleared as it is dropped; a slot that somebody has is left alone.
            drop(Slot::lock(&base, index)?);
        }
    }
    Ok(())
}

fn base() -> PathBuf {
    env::temp_dir().join("probe-engines")
}

fn address(index: u8, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 213, index, host)
}

/// Whether the host has a route to this address that is not its default one.
fn routed(address: Ipv4Addr) -> Result<bool> {
    let routes = fs::read_to_string("/proc/net/route").context("cannot read the host's routes")?;
    // Interface, destination, gateway, flags, references, uses, metric, mask, …; addresses as
    // hexadecimal in the host's byte order.
    let field = |line: &str, index: usize| {
        let word = line.split_whitespace().nth(index)?;
        u32::from_str_radix(word, 16).ok().map(u32::swap_bytes)
    };
    Ok(routes.lines().skip(1).any(|line| {
        // What a dead owner of this slot left is no obstacle: it is cleared away.
        let ours = line.starts_with("probe-");
        match (field(line, 1), field(line, 7)) {
            (Some(net), Some(mask)) => !ours && mask != 0 && address.to_bits() & mask == net,
            _ => false,
        }
    }))
}

/// The processes of an engine that has its files in `dir`: the daemons and shims name it on their
/// command line, a container's root is an overlay of its layers.
fn owned_processes(dir: &Path) -> Vec<Pid> {
    let prefix = format!("{}/", dir.display());
    let own = |process: &Path| {
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        let daemon = command.contains(&prefix)
            && ["dockerd", "containerd", "docker-proxy", "runc"]
                .iter()
                .any(|name| {
                    command
                        .split('\0')
                        .next()
                        .is_some_and(|word| word.contains(name))
                });
        let mounts = fs::read_to_string(process.join("mountinfo")).unwrap_or_default();
        daemon
            || mounts.lines().any(|line| {
                line.split(' ').nth(4) == Some("/") && line.contains(&format!("={prefix}"))
            })
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            own(&entry.path()).then_some(Pid::from_raw(pid))
        })
        .collect()
}

fn mounts_under(dir: &Path) -> Vec<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .filter(|mount| Path::new(mount).starts_with(dir))
        .map(str::to_owned)
        .collect()
}

/// Containers that were killed rather than stopped leave their cgroups, in every hierarchy.
fn remove_cgroups(dir: &Path) {
    let containers = subdirectories(&dir.join("data/containers")).unwrap_or_default();
    let root = PathBuf::from("/sys/fs/cgroup");
    let mut hierarchies = subdirectories(&root).unwrap_or_default();
    hierarchies.push(root);
    for container in containers.iter().filter_map(|path| path.file_name()) {
        for hierarchy in &hierarchies {
            // Most hierarchies do not have it.
            let _ = fs::remove_dir(hierarchy.join("docker").join(container));
        }
    }
}

fn subdirectories(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in dir.read_dir()? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}
