//! What the verifier has to walk through: it grows faster than a program does, and at a million
//! instructions the kernel refuses.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use probe_tests::{Probe, place, programs};

/// Instructions by program.
type Verified = BTreeMap<String, u64>;

/// What a program may grow by unseen: compilers differ.
const TOLERANCE: u64 = 10;
/// What it may have more of on a kernel that was not recorded, as kernels differ too.
const UNRECORDED: u64 = 100;

#[test]
fn the_verifier_has_no_more_work_than_was_recorded() {
    let verified = verified();
    let (directory, series) = (place::root().join("tests/verified"), series());
    let own = directory.join(format!("{series}.json"));
    if env::var_os("PROBE_RECORD").is_some() {
        let text = serde_json::to_string_pretty(&verified).unwrap();
        fs::write(&own, text + "\n").unwrap();
        return;
    }
    let (bounds, percent) = if own.exists() {
        (read(&own), TOLERANCE)
    } else {
        (largest(&directory), UNRECORDED)
    };
    for (program, count) in verified {
        let bound = bounds.get(&program);
        let bound = bound.unwrap_or_else(|| panic!("{program} is new: PROBE_RECORD=1 records it"));
        assert!(
            count * 100 <= bound * (100 + percent),
            "{program} grew from {bound} to {count} verified instructions on {series}: make it \
             smaller, or record it with PROBE_RECORD=1"
        );
    }
}

/// Of all programs, on this kernel.
fn verified() -> Verified {
    let mut verified = Verified::new();
    for words in [
        &["graph"][..],
        &["events"],
        &["traffic", "--files"],
        &["top", "files"],
    ] {
        let probe = Probe::alone(words).unwrap();
        for program in programs::of(probe.pid()).unwrap() {
            let count = program.verified.unwrap();
            assert!(count > 0, "{program:?}");
            // Names are cut off: of those that look the same the largest counts.
            let most = verified.entry(program.name).or_default();
            *most = count.max(*most);
        }
        probe.interrupt().unwrap();
    }
    verified
}

fn read(file: &Path) -> Verified {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// The largest of each program on any kernel.
fn largest(directory: &Path) -> Verified {
    let mut largest = Verified::new();
    for entry in directory.read_dir().unwrap() {
        for (program, count) in read(&entry.unwrap().path()) {
            let most = largest.entry(program).or_default();
            *most = count.max(*most);
        }
    }
    largest
}

/// The kernel's version, as far as its series.
fn series() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    release.split('.').take(2).collect::<Vec<_>>().join(".")
}
