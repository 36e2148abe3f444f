//! May this process load the programs?

use procfs::process::Process;
use thiserror::Error;

/// Bits of `CapEff` in `/proc/self/status`, from include/uapi/linux/capability.h.
const SYS_ADMIN: u64 = 1 << 21;
const NEEDED: [(u64, &str); 2] = [(1 << 38, "CAP_PERFMON"), (1 << 39, "CAP_BPF")];

/// It may not.
#[derive(Debug, Error)]
#[error(
    "the probe lacks {}, without which the kernel loads no programs: run it as root \
     (`sudo probe …`) or as a container with `docker run --privileged --pid host --network host \
     --cgroupns host`", missing.join(" and ")
)]
pub struct NotPrivileged {
    missing: Vec<&'static str>,
}

/// Looks at the effective capabilities. `CAP_SYS_ADMIN` stands for all, as it does in the kernel;
/// where they cannot be read, the kernel itself will say no.
pub fn check() -> Result<(), NotPrivileged> {
    let effective = Process::myself()
        .and_then(|process| process.status())
        .map_or(u64::MAX, |status| status.capeff);
    let missing = missing(effective);
    if missing.is_empty() {
        Ok(())
    } else {
        Err(NotPrivileged { missing })
    }
}

fn missing(effective: u64) -> Vec<&'static str> {
    if effective & SYS_ADMIN != 0 {
        return Vec::new();
    }
    NEEDED
        .iter()
        .filter(|(bit, _)| effective & bit == 0)
        .map(|(_, name)| *name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_each_missing_capability() {
        assert_eq!(missing(0), ["CAP_PERFMON", "CAP_BPF"]);
        assert_eq!(missing(1 << 39), ["CAP_PERFMON"]);
        assert!(missing(1 << 38 | 1 << 39).is_empty());
        assert!(missing(SYS_ADMIN).is_empty());
    }
}
