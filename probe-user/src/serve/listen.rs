//! Where the server listens: a TCP address, a unix socket, or both.

use std::{
    fmt, fs, io,
    net::{SocketAddr, TcpListener},
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use nix::unistd::Group;
use thiserror::Error;

use crate::tls::Acceptor;

/// Read and write for the owner and the group: who may connect.
const MODE: u32 = 0o660;

/// Why nothing can be served.
#[derive(Debug, Error)]
pub enum ListenError {
    /// The address would be open to other machines.
    #[error(
        "listening on {0} would tell other machines what this one does: give a token file \
         (--token-file FILE, with lines of a token and its scopes), or TLS with the authority of \
         those who may ask (--tls-cert FILE --tls-key FILE --tls-client-ca FILE), or listen on \
         127.0.0.1"
    )]
    Open(SocketAddr),
    /// So would it be, if through TLS.
    #[error(
        "listening on {0} would tell other machines what this one does, for TLS alone lets \
         everybody in: add the authority of those who may ask (--tls-client-ca FILE), or a token \
         file (--token-file FILE)"
    )]
    OpenTls(SocketAddr),
    /// The address is taken, or is none of ours.
    #[error("cannot listen on {address}; another probe may (--listen ADDRESS:PORT, or none)")]
    Tcp {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process listens at the path.
    #[error("another process listens on {}: choose one with --socket PATH, or none", .0.display())]
    Taken(PathBuf),
    /// The path could not be made a socket.
    #[error("cannot listen on the unix socket {} (--socket PATH, or none)", path.display())]
    Unix {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nobody is in the group.
    #[error("there is no group {0:?} for the unix socket: name another with --socket-group")]
    NoGroup(String),
}

/// What is listened on.
#[derive(Debug, Default)]
pub struct Listeners {
    pub(super) tcp: Option<TcpListener>,
    /// What the TCP side shakes hands with.
    pub(super) tls: Option<Acceptor>,
    pub(super) unix: Option<Bound>,
}

impl fmt::Display for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tcp = self.tcp.as_ref().and_then(|tcp| tcp.local_addr().ok());
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        match (tcp, &self.unix) {
            (Some(tcp), Some(unix)) => write!(f, "{scheme}://{tcp} and {}", unix.path.display()),
            (Some(tcp), None) => write!(f, "{scheme}://{tcp}"),
            (None, Some(unix)) => unix.path.display().fmt(f),
            (None, None) => f.write_str("nothing"),
        }
    }
}

/// A unix socket, whose file is removed with it.
#[derive(Debug)]
pub struct Bound {
    listener: UnixListener,
    path: PathBuf,
}

impl Listeners {
    /// Listens on a TCP address; beyond loopback only if there are tokens, or if TLS knows clients.
    pub fn tcp(
        &mut self,
        address: SocketAddr,
        has_tokens: bool,
        tls: Option<Acceptor>,
    ) -> Result<(), ListenError> {
        if !address.ip().is_loopback() && !has_tokens {
            match &tls {
                None => return Err(ListenError::Open(address)),
                Some(tls) if !tls.knows_clients() => return Err(ListenError::OpenTls(address)),
                Some(_) => {}
            }
        }
        let failed = |source| ListenError::Tcp { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        self.tcp = Some(listener);
        self.tls = tls;
        Ok(())
    }

    /// Listens on a unix socket. A file that an agent left behind when it was killed is replaced.
    pub fn unix(&mut self, path: &Path, group: Option<&str>) -> Result<(), ListenError> {
        let failed = |source| ListenError::Unix {
            path: path.to_owned(),
            source,
        };
        match UnixStream::connect(path) {
            Ok(_) => return Err(ListenError::Taken(path.to_owned())),
            // So says a file that is no socket, too.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && is_socket(path) => {
                fs::remove_file(path).map_err(failed)?;
            }
            Err(_) => {}
        }
        let group = group.map(group_id).transpose()?;
        // Nobody can connect before mode and group are right: it gets its name last.
        let mut new = path.as_os_str().to_owned();
        new.push(format!(".{}", std::process::id()));
        let new = PathBuf::from(new);
        let _ = fs::remove_file(&new);
        let listener = UnixListener::bind(&new).map_err(failed)?;
        let ready = fs::set_permissions(&new, fs::Permissions::from_mode(MODE))
            .and_then(|()| std::os::unix::fs::chown(&new, None, group))
            .and_then(|()| listener.set_nonblocking(true))
            // Unlike a rename, a link does not replace what is there.
            .and_then(|()| fs::hard_link(&new, path));
        let _ = fs::remove_file(&new);
        ready.map_err(failed)?;
        self.unix = Some(Bound {
            listener,
            path: path.to_owned(),
        });
        Ok(())
    }
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

fn group_id(name: &str) -> Result<u32, ListenError> {
    let by_name = Group::from_name(name).ok().flatten();
    by_name
        .map(|group| group.gid.as_raw())
        .or_else(|| name.parse().ok())
        .ok_or_else(|| ListenError::NoGroup(name.to_owned()))
}

impl Bound {
    pub(super) fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // It may be gone with its directory.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn beyond_loopback_takes_tokens() {
        let everywhere = "0.0.0.0:0".parse().unwrap();
        let refused = Listeners::default()
            .tcp(everywhere, false, None)
            .unwrap_err();
        assert!(matches!(refused, ListenError::Open(_)), "{refused}");
        Listeners::default().tcp(everywhere, true, None).unwrap();
        let here = "[::1]:0".parse().unwrap();
        Listeners::default().tcp(here, false, None).unwrap();
    }

    #[test]
    fn a_unix_socket_is_for_owner_and_group_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("probe.sock");
        let mut listeners = Listeners::default();
        listeners.unix(&path, None).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, MODE);
        let second = Listeners::default().unix(&path, None).unwrap_err();
        assert!(matches!(second, ListenError::Taken(_)), "{second}");
        drop(listeners);
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_agent_left_is_replaced_and_what_is_no_socket_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("probe.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        Listeners::default().unix(&path, None).unwrap();
        fs::write(&path, "precious").unwrap();
        Listeners::default().unix(&path, None).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn a_group_must_be_there() {
        let path = Path::new("/nonexistent/probe.sock");
        let refused = Listeners::default().unix(path, Some("no such group"));
        assert!(matches!(refused, Err(ListenError::NoGroup(_))));
    }
}
