//! What the machine calls itself.

use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use tracing::{debug, warn};

/// Addresses of this network namespace's interfaces, loopback left out.
pub(super) fn addresses() -> Vec<IpAddr> {
    let interfaces = match getifaddrs() {
        Ok(interfaces) => interfaces,
        Err(error) => {
            warn!("cannot list the host's addresses ({error}): they appear as external");
            return Vec::new();
        }
    };
    let addresses: Vec<_> = interfaces
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|v4| v4.ip().into());
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| v6.ip().into()))
        })
        .filter(|address: &IpAddr| !address.is_loopback())
        .collect();
    debug!(?addresses, "the host's own");
    addresses
}

/// This host's name.
pub(crate) fn hostname() -> String {
    nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_else(|| "localhost".to_owned())
}
