//! Least privilege: once everything is attached, little is needed.
//!
//! | capability | for | without it |
//! |---|---|---|
//! | `CAP_SYS_PTRACE` | `/proc/PID/exe` of others, unless Landlock denies it anyway | processes without their file |
//! | `CAP_BPF` | reading maps, before 5.19 with `kernel.unprivileged_bpf_disabled` | no figures |
//!
//! Capabilities are a thread's: this must run before there is a second one.

use caps::{CapSet, Capability, CapsHashSet, errors::CapsError};
use thiserror::Error;

/// Kept if it was there and is of use.
const FOR_FILES: Capability = Capability::CAP_SYS_PTRACE;
/// Kept if maps cannot be read without; the first that is there.
const FOR_MAPS: [Capability; 2] = [Capability::CAP_BPF, Capability::CAP_SYS_ADMIN];

/// Why privileges could not be given up.
#[derive(Debug, Error)]
pub enum DropError {
    /// The kernel refused.
    #[error("cannot drop capabilities")]
    Capabilities(#[from] CapsError),
    /// It does not know `no_new_privs`.
    #[error("cannot set no_new_privs")]
    NoNewPrivs(#[source] nix::Error),
}

/// Gives up what is not needed any more, for good, and says what is left. `maps_can_be_read` is
/// tried without any capability for it; `files_are_denied` if that of others' files is of no use.
pub fn drop_privileges(
    files_are_denied: bool,
    maps_can_be_read: impl FnOnce() -> bool,
) -> Result<Vec<String>, DropError> {
    let permitted = caps::read(None, CapSet::Permitted)?;
    let for_maps = FOR_MAPS.into_iter().find(|cap| permitted.contains(cap));
    let for_files = Some(FOR_FILES).filter(|cap| !files_are_denied && permitted.contains(cap));
    let mut kept: CapsHashSet = for_files.into_iter().collect();

    caps::clear(None, CapSet::Inheritable)?;
    caps::clear(None, CapSet::Ambient)?;
    // Takes CAP_SETPCAP; without it nothing can be gained through them anyway, below.
    for capability in caps::read(None, CapSet::Bounding)? {
        let _ = caps::drop(None, CapSet::Bounding, capability);
    }
    nix::sys::prctl::set_no_new_privs().map_err(DropError::NoNewPrivs)?;

    caps::set(None, CapSet::Effective, &kept)?;
    if !maps_can_be_read() {
        kept.extend(for_maps);
        caps::set(None, CapSet::Effective, &kept)?;
    }
    caps::set(None, CapSet::Permitted, &kept)?;
    let mut names: Vec<_> = kept.iter().map(ToString::to_string).collect();
    names.sort();
    Ok(names)
}
