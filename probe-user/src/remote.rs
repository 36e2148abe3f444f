//! A running agent, asked over its unix socket or TCP: what the command line does with `--agent`.

mod sse;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};

pub use sse::{Message, Messages};

/// An agent on this host answers within milliseconds, one elsewhere soon.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a document that are taken: the graph of 65,536 flows is smaller.
const MOST: usize = 256 << 20;

/// Where an agent listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AgentAddress {
    /// A unix socket.
    Unix(PathBuf),
    /// Host and port, as the Host header has them.
    Tcp(String),
}

/// It is none.
#[derive(Debug, Error)]
#[error("{0:?} is no agent's address: give http://HOST:PORT, unix:///PATH or a path")]
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
        if let Some(rest) = text.strip_prefix("http://") {
            let authority: hyper::http::uri::Authority =
                rest.trim_end_matches('/').parse().map_err(|_| wrong())?;
            if authority.host().is_empty() || authority.as_str().contains('@') {
                return Err(wrong());
            }
            let port = authority.port_u16().unwrap_or(4040);
            return Ok(Self::Tcp(format!("{}:{port}", authority.host())));
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
        }
    }
}

/// Why an agent did not tell.
#[derive(Debug, Error)]
pub enum RemoteError {
    /// Nobody is there.
    #[error("no agent answers at {agent} (`probe run` starts one)")]
    Connect {
        /// Where.
        agent: AgentAddress,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nobody answers in time.
    #[error("the agent at {0} does not answer within {PATIENCE:?}")]
    Late(AgentAddress),
    /// The connection broke, or it does not speak HTTP.
    #[error("the agent at {agent} cannot be understood")]
    Http {
        /// Where.
        agent: AgentAddress,
        /// Why.
        #[source]
        source: hyper::Error,
    },
    /// It does not want to.
    #[error("the agent at {agent} refuses ({status}): {reason}")]
    Refused {
        /// Where.
        agent: AgentAddress,
        /// The HTTP status.
        status: StatusCode,
        /// What it says.
        reason: String,
    },
    /// What it sent is cut off or too much.
    #[error("the agent at {agent} sent what cannot be read: {reason}")]
    Body {
        /// Where.
        agent: AgentAddress,
        /// What is wrong.
        reason: String,
    },
    /// The token's file could not be read.
    #[error("cannot read the token file {}", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It has no token that a header can carry.
    #[error("the token file {} does not begin with a token", .0.display())]
    NoToken(PathBuf),
}

/// An agent to ask.
#[derive(Clone, Debug)]
pub struct Remote {
    address: AgentAddress,
    authorization: Option<header::HeaderValue>,
}

impl Remote {
    /// The agent there; `token_file` begins with the token it wants, if it wants one.
    pub fn new(address: AgentAddress, token_file: Option<&Path>) -> Result<Self, RemoteError> {
        let authorization = token_file.map(authorization).transpose()?;
        Ok(Self {
            address,
            authorization,
        })
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> &AgentAddress {
        &self.address
    }

    /// A document, whole.
    pub async fn get(&self, path: &str) -> Result<String, RemoteError> {
        let response = self.ask(path).await?;
        self.read(response).await
    }

    /// A stream's messages, as they come.
    pub async fn follow(&self, path: &str) -> Result<Messages, RemoteError> {
        let response = self.ask(path).await?;
        Ok(Messages::new(self.address.clone(), response.into_body()))
    }

    /// An answer that is none is an error.
    async fn ask(&self, path: &str) -> Result<Response<Incoming>, RemoteError> {
        let asked = async {
            let connect = |source| RemoteError::Connect {
                agent: self.address.clone(),
                source,
            };
            match &self.address {
                AgentAddress::Unix(socket) => {
                    let stream = UnixStream::connect(socket).await.map_err(connect)?;
                    self.send(stream, "localhost", path).await
                }
                AgentAddress::Tcp(host) => {
                    let stream = TcpStream::connect(host).await.map_err(connect)?;
                    self.send(stream, host, path).await
                }
            }
        };
        let late = |_| RemoteError::Late(self.address.clone());
        let response = timeout(PATIENCE, asked).await.map_err(late)??;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = self.read(response).await?;
        let reason = serde_json::from_str(&body).map_or(body, |Refusal { error }| error);
        Err(RemoteError::Refused {
            agent: self.address.clone(),
            status,
            reason,
        })
    }

    async fn send<S>(
        &self,
        stream: S,
        host: &str,
        path: &str,
    ) -> Result<Response<Incoming>, RemoteError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let http = |source| RemoteError::Http {
            agent: self.address.clone(),
            source,
        };
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
        // Ends when the answer has been read, or dropped.
        tokio::spawn(connection);
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = path.parse().expect("paths are our own");
        let headers = request.headers_mut();
        if let Ok(host) = host.parse() {
            headers.insert(header::HOST, host);
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        sender.send_request(request).await.map_err(http)
    }

    async fn read(&self, response: Response<Incoming>) -> Result<String, RemoteError> {
        let body = |reason: String| RemoteError::Body {
            agent: self.address.clone(),
            reason,
        };
        let collected = timeout(PATIENCE, Limited::new(response.into_body(), MOST).collect());
        let late = |_| RemoteError::Late(self.address.clone());
        let collected = collected.await.map_err(late)?;
        let collected = collected.map_err(|error| body(error.to_string()))?;
        String::from_utf8(collected.to_bytes().into()).map_err(|error| body(error.to_string()))
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// The first word of the first line that is no comment, as the agent's own file has it.
fn authorization(path: &Path) -> Result<header::HeaderValue, RemoteError> {
    let text = fs::read_to_string(path).map_err(|source| RemoteError::Token {
        path: path.to_owned(),
        source,
    })?;
    let words = text
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let token = words.into_iter().find(|word| !word.starts_with('#'));
    let value = token.and_then(|token| format!("Bearer {token}").parse().ok());
    let mut value: header::HeaderValue =
        value.ok_or_else(|| RemoteError::NoToken(path.to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
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
        check("https://node-1", None);
        check("http://user@node-1", None);
        check("http://", None);
        check("node-1", None);
        check("unix://probe.sock", None);
    }
}
