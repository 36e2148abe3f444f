//! A machine with another kernel, emulated: booted, fed, watched, and taken away.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;
use std::{env, ffi::OsString};

use anyhow::{Context, Result, bail};
use probe_tests::{debian, place, wait};

use crate::line::Line;
use crate::need::kernel::Kernel;
use crate::need::vm;
use crate::stop::Stop;

/// A machine that takes longer hangs: alone on two CPUs it takes a fifth of that.
const DEADLINE: Duration = Duration::from_mins(20);
/// How many times longer than usual things may take: emulated, a program runs some 15 times slower.
const PATIENCE: &str = "15";
/// What a kernel does against attackers costs an emulated one most: nobody attacks it.
const TRUSTING: &[&str] = &[
    "mitigations=off",
    "init_on_alloc=0",
    "no5lvl",
    "audit=0",
    // Where the host is busy a tick comes too late for the kernel to believe in its timer.
    "no_timer_check",
];
/// Lines of the console that an error shows.
const CONSOLE_TAIL: usize = 20;

const GUEST: &str = "xtask/src/matrix/guest.sh";
/// Where in what both share the whole of this machine's root is mounted once more.
const HOST: &str = "host";

/// What runs inside.
pub(super) struct Inside<'a> {
    /// The tests' executables.
    pub(super) tests: &'a [PathBuf],
    /// Only tests whose name contains this.
    pub(super) filter: &'a str,
    /// The workload's program, which cannot be built inside.
    pub(super) workload: &'a Path,
    /// A directory of the workspace that may be written.
    pub(super) writable: Option<&'a Path>,
}

/// Boots a kernel, runs the tests in it and passes on what they print; whether all have passed.
pub(super) fn run(kernel: &Kernel, inside: &Inside<'_>, stop: &Stop) -> Result<bool> {
    let shared = place::target().join("vm").join(&kernel.release);
    let _ = fs::remove_dir_all(&shared);
    let host = shared.join(HOST);
    fs::create_dir_all(&host).with_context(|| format!("cannot make {}", host.display()))?;
    let console = shared.join("console");
    let file =
        File::create(&console).with_context(|| format!("cannot write {}", console.display()))?;
    let line = contained(&boot(kernel, inside, &shared)?);
    let mut child = line
        .command()
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    let watched = watch(&mut child, &shared.join("output"), stop);
    // Ends everything in it, qemu too. It may have ended by itself.
    let _ = child.kill();
    child.wait().context("cannot reap a machine")?;
    watched?;
    match fs::read_to_string(shared.join("status")) {
        Ok(status) => Ok(status.trim() == "0"),
        Err(_) => bail!("the machine ended before its tests did\n{}", tail(&console)),
    }
}

/// Passes on what is printed inside until the machine ends.
fn watch(child: &mut Child, output: &Path, stop: &Stop) -> Result<()> {
    let mut printed = None;
    wait::until("the machine ends", DEADLINE, || {
        stop.check()?;
        let ended = child.try_wait()?;
        // Looked at first: what was printed before it ended must still be seen.
        if printed.is_none() {
            printed = File::open(output).ok();
        }
        if let Some(printed) = &mut printed {
            let mut news = Vec::new();
            printed.read_to_end(&mut news)?;
            let mut stdout = io::stdout().lock();
            stdout.write_all(&news).and_then(|()| stdout.flush())?;
        }
        Ok(ended)
    })
    .map(drop)
}

/// The command line that boots it.
fn boot(kernel: &Kernel, inside: &Inside<'_>, shared: &Path) -> Result<Line> {
    let emulator = debian::program(vm::EMULATOR_PROGRAM)?;
    let share = |directory: &Path| format!("--rwdir={}", directory.display());
    let mut line = Line::new(vm::virtme().join("bin/vng"))
        .arg("--verbose")
        .arg("--run")
        .arg(kernel.image())
        .arg("--qemu")
        .arg(emulator.file())
        .arg("--busybox")
        .arg(debian::program("busybox")?.file())
        .args(["--disable-kvm", "--force-9p", "--cpus", "2"])
        .args(["--memory", "3G", "--append", "apparmor=0"])
        .args(TRUSTING.iter().flat_map(|word| ["--append", word]))
        .arg(share(shared))
        .arg(format!("--rodir={}=/", shared.join(HOST).display()))
        .args(inside.writable.map(share))
        .env("PATH", path()?);
    if emulator.root != Path::new("/") {
        let libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];
        let libraries = libraries.map(|directory| emulator.root.join(directory));
        line = line.env("LD_LIBRARY_PATH", env::join_paths(libraries)?);
    }
    let guest = Line::new("env")
        .arg(format!("PROBE_BIN={}", place::probe().display()))
        .arg(format!("WORKLOAD_BIN={}", inside.workload.display()))
        .arg(format!("CARGO_TARGET_DIR={}", place::target().display()))
        .arg(format!("PROBE_TEST_PATIENCE={PATIENCE}"))
        .args(inside.writable.map(|_| "PROBE_RECORD=1"))
        .args(["RUST_BACKTRACE=1", "bash", GUEST])
        .arg(shared)
        .arg(inside.filter)
        .args(inside.tests);
    // A kernel takes 2,047 bytes of command line, which more than one long path may fill.
    let start = shared.join("start");
    fs::write(&start, guest.to_string())
        .with_context(|| format!("cannot write {}", start.display()))?;
    let start = Line::new("bash").arg(start);
    Ok(line.arg("--").arg(start.to_string()))
}

/// vng wants a terminal, and starts much that must end with it: `script` makes the one, a namespace
/// of processes that dies with us holds the other.
fn contained(line: &Line) -> Line {
    Line::new("setpriv")
        .args(["--pdeathsig", "KILL", "--"])
        .args(["unshare", "--mount-proc", "--pid", "--fork", "--kill-child"])
        .args(["script", "--quiet", "--return", "--command"])
        .arg(line.to_string())
        .arg("/dev/null")
}

/// virtme-ng's programs find each other by it.
fn path() -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let ours = std::iter::once(vm::virtme().join("bin"));
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::join_paths(ours.chain(env::split_paths(&path)).chain(system)).context("PATH is not one")
}

/// The end of the console, for an error.
fn tail(console: &Path) -> String {
    let text = fs::read(console).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    let start = lines.len().saturating_sub(CONSOLE_TAIL);
    format!(
        "the end of {}:\n{}",
        console.display(),
        lines[start..].join("\n")
    )
}
