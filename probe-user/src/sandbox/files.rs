//! Which files the daemon may still touch, by Landlock: those it reads.

use std::{
    env,
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access as _, AccessFs, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError,
    RulesetStatus, make_bitflags, path_beneath_rules,
};

/// What is read, and what for.
const READ: &[&str] = &[
    "/proc", // processes, command lines of proxies, its own figures
    "/sys",  // cgroups, the number of CPUs
    "/etc",  // names, certificates, its configuration
    "/usr",  // certificates, and what names are looked up with
    "/lib",  // the same, where /usr has not swallowed it
    "/lib64",
    "/run/systemd/resolve", // where /etc/resolv.conf leads to
    "/run/resolvconf",
    "/run/NetworkManager",
    "/run/secrets", // tokens of Kubernetes and Docker
    "/dev/null",
    "/dev/urandom",
];
/// Written by a screen.
const TERMINAL: &[&str] = &["/dev/tty"];
/// Files in whose directories AWS's SDK and TLS read; tokens are replaced there, under other names.
const NAMED: &[&str] = &[
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "SSL_CERT_FILE",
];

/// Refuses this thread, and those it will start, all but that.
pub(super) fn confine(socket: Option<&Path>) -> Result<RulesetStatus, RulesetError> {
    // What the file system has had to refuse since 6.10; older kernels refuse what they know.
    let all = AccessFs::from_all(ABI::V5);
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let write = make_bitflags!(AccessFs::{ReadFile | WriteFile | IoctlDev});
    let removed_in = socket.and_then(Path::parent);
    let status = Ruleset::default()
        .handle_access(all)?
        .create()?
        .add_rules(path_beneath_rules(places(), read))?
        .add_rules(path_beneath_rules(TERMINAL, write))?
        .add_rules(path_beneath_rules(removed_in, AccessFs::RemoveFile))?
        .restrict_self()?;
    Ok(status.ruleset)
}

/// Those that are not there are passed over later.
fn places() -> Vec<PathBuf> {
    let fixed = READ.iter().map(PathBuf::from);
    let named = NAMED.iter().filter_map(|name| {
        let file = PathBuf::from(env::var_os(name)?);
        Some(file.parent()?.to_owned())
    });
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(".aws"));
    let certificates = env::var_os("SSL_CERT_DIR").map(PathBuf::from);
    fixed.chain(named).chain(home).chain(certificates).collect()
}
