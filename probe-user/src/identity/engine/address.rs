//! Where an engine listens.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use bollard::{API_DEFAULT_VERSION, Docker};

/// Where Docker listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// Seconds that a request may take to be answered; events may take for ever.
const TIMEOUT: u64 = 30;

/// Where an engine listens: `unix:///run/podman/podman.sock`, `tcp://10.0.0.7:2375` or
/// `http://…`, or the path of a socket.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum EngineAddress {
    /// A unix socket.
    Unix(PathBuf),
    /// HTTP without TLS to this host and port.
    Tcp(String),
}

/// An engine's address that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{text:?} is no engine address: give unix:///path/to/docker.sock or tcp://host:port")]
pub struct BadEngineAddress {
    /// As it was given.
    pub text: String,
}

impl EngineAddress {
    /// The engine given on the command line, else the one in `DOCKER_HOST`, else
    /// [`DEFAULT_SOCKET`]. An empty `DOCKER_HOST` counts as none.
    ///
    /// # Errors
    /// [`BadEngineAddress`] for anything but a unix socket or plain HTTP.
    pub fn choose(
        given: Option<&str>,
        docker_host: Option<&str>,
    ) -> Result<Self, BadEngineAddress> {
        given
            .or(docker_host.filter(|host| !host.is_empty()))
            .map_or_else(|| Ok(Self::default()), str::parse)
    }

    pub(super) fn connect(&self) -> Result<Docker, bollard::errors::Error> {
        match self {
            Self::Unix(_) => {
                Docker::connect_with_unix(&self.to_string(), TIMEOUT, API_DEFAULT_VERSION)
            }
            Self::Tcp(_) => {
                Docker::connect_with_http(&self.to_string(), TIMEOUT, API_DEFAULT_VERSION)
            }
        }
    }
}

impl Default for EngineAddress {
    fn default() -> Self {
        Self::Unix(DEFAULT_SOCKET.into())
    }
}

impl FromStr for EngineAddress {
    type Err = BadEngineAddress;

    fn from_str(text: &str) -> Result<Self, BadEngineAddress> {
        let bad = || BadEngineAddress { text: text.into() };
        let path = text.strip_prefix("unix://").unwrap_or(text);
        if path.starts_with('/') && path.len() > 1 {
            return Ok(Self::Unix(path.into()));
        }
        let host = text
            .strip_prefix("tcp://")
            .or_else(|| text.strip_prefix("http://"))
            .ok_or_else(bad)?
            .trim_end_matches('/');
        let (name, port) = host.rsplit_once(':').ok_or_else(bad)?;
        if name.is_empty() || name.contains('/') || port.parse::<u16>().is_err() {
            return Err(bad());
        }
        Ok(Self::Tcp(host.into()))
    }
}

impl fmt::Display for EngineAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: Option<&str>, docker_host: Option<&str>, expected: &str) {
        let address = EngineAddress::choose(given, docker_host).unwrap();
        assert_eq!(address.to_string(), expected, "{given:?} {docker_host:?}");
    }

    #[test]
    fn the_given_address_precedes_the_environment_and_the_default() {
        check(None, None, "unix:///var/run/docker.sock");
        check(None, Some(""), "unix:///var/run/docker.sock");
        check(
            None,
            Some("unix:///run/podman/podman.sock"),
            "unix:///run/podman/podman.sock",
        );
        check(
            Some("/tmp/d.sock"),
            Some("tcp://10.0.0.7:2375"),
            "unix:///tmp/d.sock",
        );
        check(None, Some("tcp://10.0.0.7:2375"), "tcp://10.0.0.7:2375");
        check(Some("http://localhost:2375/"), None, "tcp://localhost:2375");
        check(Some("tcp://[::1]:2375"), None, "tcp://[::1]:2375");
    }

    #[test]
    fn what_cannot_be_used_is_said_with_what_can() {
        for text in [
            "ssh://host",
            "npipe:////./pipe/docker",
            "docker.sock",
            "tcp://host",
            "tcp://:1",
            "unix://",
            "/",
            "tcp://h:99999",
        ] {
            let error = text.parse::<EngineAddress>().unwrap_err().to_string();
            assert!(
                error.contains(text) && error.contains("unix:///"),
                "{error}"
            );
        }
    }
}
