//! Tells systemd how the daemon fares: a datagram to `$NOTIFY_SOCKET`, as sd_notify(3) describes.

use std::{
    env,
    ffi::OsStr,
    io,
    os::unix::net::{SocketAddr, UnixDatagram},
    os::{linux::net::SocketAddrExt as _, unix::ffi::OsStrExt as _},
};

use tracing::warn;

/// The daemon serves.
pub const READY: &str = "READY=1";
/// The daemon ends.
pub const STOPPING: &str = "STOPPING=1";

/// Says `state` to who started us, if that wants to know.
pub fn tell(state: &str) {
    if let Some(socket) = env::var_os("NOTIFY_SOCKET")
        && let Err(error) = send(&socket, state)
    {
        warn!("cannot notify {}: {error}", socket.display());
    }
}

fn send(socket: &OsStr, state: &str) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_reaches_a_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let receiver = UnixDatagram::bind(&path).unwrap();
        send(path.as_os_str(), READY).unwrap();
        let mut buffer = [0; 32];
        let length = receiver.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], READY.as_bytes());
    }
}
