//! Where an agent is.

use std::{fmt, path::PathBuf, str::FromStr};

use thiserror::Error;

/// Where an agent listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AgentAddress {
    /// A unix socket.
    Unix(PathBuf),
    /// Host and port, as the Host header has them.
    Tcp(String),
    /// The same, behind TLS.
    Tls(String),
}

/// It is none.
#[derive(Debug, Error)]
#[error(
    "{0:?} is no agent's address: give http://HOST:PORT, https://HOST:PORT, unix:///PATH or a path"
)]
pub struct NoAddress(String);

impl FromStr for AgentAddress {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let wrong = || NoAddress(text.to_owned());
        if let Some(path) = text.strip_prefix("unix://") {
            return if path.starts_with('/') {
                Ok(Self::Unix(path.into()))
            } else {
                Err(wrong())
            };
        }
        let plain = text.strip_prefix("http://");
        if let Some(rest) = plain.or_else(|| text.strip_prefix("https://")) {
            let authority: hyper::http::uri::Authority =
                rest.trim_end_matches('/').parse().map_err(|_| wrong())?;
            if authority.host().is_empty() || authority.as_str().contains('@') {
                return Err(wrong());
            }
            let port = authority.port_u16().unwrap_or(4040);
            let host = format!("{}:{port}", authority.host());
            return Ok(if plain.is_some() {
                Self::Tcp(host)
            } else {
                Self::Tls(host)
            });
        }
        if text.starts_with('/') || text.starts_with("./") {
            return Ok(Self::Unix(text.into()));
        }
        Err(wrong())
    }
}

impl fmt::Display for AgentAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp(host) => write!(f, "http://{host}"),
            Self::Tls(host) => write!(f, "https://{host}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_sockets_or_hosts() {
        let check = |text: &str, expected: Option<&str>| {
            let parsed = text.parse::<AgentAddress>().ok();
            assert_eq!(
                parsed.map(|address| address.to_string()).as_deref(),
                expected,
                "{text}"
            );
        };
        check("/run/probe.sock", Some("/run/probe.sock"));
        check("unix:///run/probe.sock", Some("/run/probe.sock"));
        check("http://127.0.0.1:4041", Some("http://127.0.0.1:4041"));
        check("http://node-1/", Some("http://node-1:4040"));
        check("http://[::1]", Some("http://[::1]:4040"));
        check("https://node-1", Some("https://node-1:4040"));
        check("https://[::1]:1", Some("https://[::1]:1"));
        check("https://", None);
        check("http://user@node-1", None);
        check("http://", None);
        check("node-1", None);
        check("unix://probe.sock", None);
    }
}
