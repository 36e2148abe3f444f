//! Where a cgroup's files are: one hierarchy on v2, one for each controller on v1, both on hybrid.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Usage, files};
use crate::identity::{CgroupMount, layout};

const CONTROLLERS: [&str; 5] = ["cpuacct", "cpu", "memory", "pids", "blkio"];

/// The hierarchies that are mounted.
#[derive(Clone, Debug)]
pub struct Hierarchies {
    v2: PathBuf,
    /// By controller: those that v1 has.
    v1: HashMap<&'static str, PathBuf>,
    proc: PathBuf,
}

impl Hierarchies {
    /// Finds v1's controllers in `/proc/self/mountinfo`, beside `v2`.
    #[must_use]
    pub fn find(v2: &CgroupMount) -> Self {
        let mountinfo = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        Self {
            v2: v2.path().to_owned(),
            v1: controllers(&mountinfo),
            proc: "/proc".into(),
        }
    }

    /// What the container whose cgroup v2 path is `path` has used; `None` when the cgroup is gone.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<Usage> {
        let own = Cgroup {
            v2: below(&self.v2, path),
            v1: self.v1_places(path),
        };
        own.v2.is_dir().then(|| own.usage())
    }

    /// The container's directories in v1's hierarchies: where its processes say they are, else at
    /// the same path.
    fn v1_places(&self, path: &str) -> HashMap<&'static str, PathBuf> {
        if self.v1.is_empty() {
            return HashMap::new();
        }
        let procs = fs::read_to_string(below(&self.v2, path).join("cgroup.procs"));
        let first = procs.ok().and_then(|procs| {
            let pid: u32 = procs.lines().next()?.parse().ok()?;
            let file = self.proc.join(pid.to_string()).join("cgroup");
            fs::read_to_string(file).ok()
        });
        let told = first.as_deref().map(v1_paths).unwrap_or_default();
        let place = |(controller, mount): (&&'static str, &PathBuf)| {
            let own = told.get(controller).copied().unwrap_or(path);
            (*controller, below(mount, own))
        };
        self.v1.iter().map(place).collect()
    }
}

/// Each controller's mount point.
fn controllers(mountinfo: &str) -> HashMap<&'static str, PathBuf> {
    let mut found = HashMap::new();
    for line in mountinfo.lines() {
        // Before the hyphen: ids, root, mount point, options; after it: type, source, options.
        let Some((before, after)) = line.split_once(" - ") else {
            continue;
        };
        let mut before = before.split(' ').skip(3);
        let (root, place) = (before.next(), before.next());
        let mut after = after.split(' ');
        let (Some("/"), Some(place), Some("cgroup")) = (root, place, after.next()) else {
            continue;
        };
        let options = after.nth(1).unwrap_or_default();
        for controller in CONTROLLERS {
            if options.split(',').any(|option| option == controller) {
                found.entry(controller).or_insert_with(|| place.into());
            }
        }
    }
    found
}

/// Each controller's path in `/proc/PID/cgroup`, up to the container's own cgroup: the process may
/// be in one inside.
fn v1_paths(text: &str) -> HashMap<&str, &str> {
    let mut paths = HashMap::new();
    for line in text.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        // A path of no container is not the container's: its process is on its way there.
        if let Some(found) = layout::container_in(path) {
            let own = &path[..found.prefix];
            paths.extend(controllers.split(',').map(|controller| (controller, own)));
        }
    }
    paths
}

fn below(mount: &Path, path: &str) -> PathBuf {
    mount.join(path.trim_start_matches('/'))
}

/// One container's directories.
struct Cgroup {
    v2: PathBuf,
    v1: HashMap<&'static str, PathBuf>,
}

impl Cgroup {
    /// v2's figure where there is one, else v1's: on a hybrid host v2 has some without a controller.
    fn usage(&self) -> Usage {
        let cpu_stat = self.v2("cpu.stat");
        let v2 = |key| files::keyed(cpu_stat.as_deref()?, key).map(files::micros);
        let cpu = v2("usage_usec").or_else(|| {
            let nanos = files::number(&self.v1("cpuacct", "cpuacct.usage")?)?;
            Some(Duration::from_nanos(nanos))
        });
        let throttled = v2("throttled_usec").or_else(|| {
            let stat = self.v1("cpu", "cpu.stat")?;
            let nanos = files::keyed(&stat, "throttled_time")?;
            Some(Duration::from_nanos(nanos))
        });
        let threads = self.v2("pids.current");
        let threads = threads.or_else(|| self.v1("pids", "pids.current"));
        let io = self.io();
        let events = self.v2("memory.events");
        let events = events.or_else(|| self.v1("memory", "memory.oom_control"));
        let pressure = |file| files::pressure(&self.v2(file)?);
        Usage {
            cpu,
            throttled,
            memory: self.memory(),
            memory_limit: self
                .v2("memory.max")
                .or_else(|| self.v1("memory", "memory.limit_in_bytes"))
                .and_then(|text| files::limit(&text)),
            threads: threads.and_then(|text| files::number(&text)),
            read: io.map(|(read, _)| read),
            written: io.map(|(_, written)| written),
            oom_kills: events.and_then(|text| files::keyed(&text, "oom_kill")),
            cpu_pressure: pressure("cpu.pressure"),
            memory_pressure: pressure("memory.pressure"),
        }
    }

    fn memory(&self) -> Option<u64> {
        if let Some(current) = self.v2("memory.current") {
            let stat = self.v2("memory.stat").unwrap_or_default();
            let inactive = files::keyed(&stat, "inactive_file");
            return Some(files::memory(files::number(&current)?, inactive));
        }
        let usage = self.v1("memory", "memory.usage_in_bytes")?;
        let stat = self.v1("memory", "memory.stat").unwrap_or_default();
        let inactive = files::keyed(&stat, "total_inactive_file");
        Some(files::memory(files::number(&usage)?, inactive))
    }

    fn io(&self) -> Option<(u64, u64)> {
        if let Some(stat) = self.v2("io.stat") {
            return files::io_stat(&stat);
        }
        // Without those inside where the kernel (before 4.20) does not add them up.
        let bytes = self
            .v1("blkio", "blkio.throttle.io_service_bytes_recursive")
            .or_else(|| self.v1("blkio", "blkio.throttle.io_service_bytes"))?;
        files::blkio(&bytes)
    }

    fn v2(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.v2.join(file)).ok()
    }

    fn v1(&self, controller: &str, file: &str) -> Option<String> {
        fs::read_to_string(self.v1.get(controller)?.join(file)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f2a1b4c5d6e7f8091a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4";

    fn put(root: &Path, file: &str, text: &str) {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn hierarchies(root: &Path, v1: &[&'static str]) -> Hierarchies {
        Hierarchies {
            v2: root.join("v2"),
            v1: v1.iter().map(|name| (*name, root.join(name))).collect(),
            proc: root.join("proc"),
        }
    }

    #[test]
    fn v2_alone() {
        let root = tempfile::tempdir().unwrap();
        let scope = format!("v2/system.slice/docker-{ID}.scope");
        let file = |name: &str, text| put(root.path(), &format!("{scope}/{name}"), text);
        file(
            "cpu.stat",
            "usage_usec 5000000\nnr_throttled 3\nthrottled_usec 70\n",
        );
        file("memory.current", "1000\n");
        file("memory.stat", "anon 600\ninactive_file 300\n");
        file("memory.max", "4096\n");
        file("memory.events", "oom 2\noom_kill 1\n");
        file("pids.current", "7\n");
        file("io.stat", "8:0 rbytes=10 wbytes=20\n");
        file("cpu.pressure", "some avg10=2.50 total=1\n");
        let found = hierarchies(root.path(), &[]);
        let usage = found.read(&format!("/system.slice/docker-{ID}.scope"));
        let expected = Usage {
            cpu: Some(Duration::from_secs(5)),
            throttled: Some(Duration::from_micros(70)),
            memory: Some(700),
            memory_limit: Some(4096),
            threads: Some(7),
            read: Some(10),
            written: Some(20),
            oom_kills: Some(1),
            cpu_pressure: Some(2.5),
            memory_pressure: None,
        };
        assert_eq!(usage, Some(expected));
        assert_eq!(found.read("/gone"), None);
    }

    #[test]
    fn hybrid_takes_each_figure_from_where_it_is() {
        let root = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| put(root.path(), name, text);
        file(&format!("v2/docker/{ID}/cpu.stat"), "usage_usec 10\n");
        file(&format!("v2/docker/{ID}/cgroup.procs"), "12\n13\n");
        // The process is in a cgroup inside, and v1's path is not v2's.
        let line = |number, controller| format!("{number}:{controller}:/ecs/task/{ID}/inner\n");
        let cgroup = [
            line(3, "cpu,cpuacct"),
            line(2, "memory"),
            format!("0::/docker/{ID}\n"),
        ];
        file("proc/12/cgroup", &cgroup.concat());
        file(
            &format!("cpu/ecs/task/{ID}/cpu.stat"),
            "nr_throttled 1\nthrottled_time 9\n",
        );
        file(
            &format!("memory/ecs/task/{ID}/memory.usage_in_bytes"),
            "100\n",
        );
        file(
            &format!("memory/ecs/task/{ID}/memory.stat"),
            "inactive_file 1\ntotal_inactive_file 40\n",
        );
        file(
            &format!("memory/ecs/task/{ID}/memory.limit_in_bytes"),
            "9223372036854771712\n",
        );
        file(
            &format!("memory/ecs/task/{ID}/memory.oom_control"),
            "under_oom 0\noom_kill 2\n",
        );
        file(&format!("pids/docker/{ID}/pids.current"), "3\n");
        let found = hierarchies(root.path(), &["cpu", "memory", "pids"]);
        let expected = Usage {
            cpu: Some(Duration::from_micros(10)),
            throttled: Some(Duration::from_nanos(9)),
            memory: Some(60),
            threads: Some(3),
            oom_kills: Some(2),
            ..Usage::default()
        };
        assert_eq!(found.read(&format!("/docker/{ID}")), Some(expected));
    }

    #[test]
    fn controllers_may_share_a_mount() {
        let found = controllers(
            "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
             32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
             33 31 0:30 /docker/x /mnt/part rw - cgroup cgroup rw,memory\n\
             35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
             41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
        );
        let place = |name: &str| found.get(name).and_then(|path| path.to_str());
        assert_eq!(place("cpu"), Some("/sys/fs/cgroup/cpu,cpuacct"));
        assert_eq!(place("cpuacct"), place("cpu"));
        assert_eq!(place("memory"), Some("/sys/fs/cgroup/memory"));
        assert_eq!(found.len(), 3);
    }
}
