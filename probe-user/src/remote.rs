//! A running agent, asked over its unix socket or TCP: what the command line does with `--agent`.

mod address;
mod error;
mod sse;

use std::{
    error::Error as _,
    fs, io, iter,
    path::{Path, PathBuf},
    time::Duration,
};

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::{
    client::TlsStream,
    rustls::{self, pki_types::ServerName},
};

use crate::tls::Connector;

pub use address::{AgentAddress, NoAddress};
pub use error::RemoteError;
pub use sse::{Message, Messages};

/// An agent on this host answers within milliseconds, one elsewhere soon.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a document that are taken: the graph of 65,536 flows is smaller.
const MOST: usize = 256 << 20;

/// An agent to ask.
#[derive(Clone, Debug)]
pub struct Remote {
    address: AgentAddress,
    authorization: Option<header::HeaderValue>,
    /// There is one if the address wants TLS.
    tls: Option<Connector>,
}

/// What TLS is spoken with.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The file with the authorities of agents; this machine's own if there is none.
    pub authority: Option<PathBuf>,
    /// The files of our own certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl Remote {
    /// The agent there; `token_file` begins with the token it wants, if it wants one.
    pub fn new(
        address: AgentAddress,
        token_file: Option<&Path>,
        trust: &Trust,
    ) -> Result<Self, RemoteError> {
        let authorization = token_file.map(authorization).transpose()?;
        let Trust {
            authority,
            identity,
        } = trust;
        let tls = match &address {
            AgentAddress::Tls(_) => {
                let pair = identity.as_ref();
                let pair = pair.map(|(certificate, key)| (certificate.as_path(), key.as_path()));
                Some(Connector::read(authority.as_deref(), pair)?)
            }
            _ if authority.is_some() || identity.is_some() => {
                return Err(RemoteError::NoTls(address));
            }
            _ => None,
        };
        Ok(Self {
            address,
            authorization,
            tls,
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
                AgentAddress::Tls(host) => {
                    let stream = TcpStream::connect(host).await.map_err(connect)?;
                    let stream = self.shake(stream, host).await?;
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

    async fn shake(
        &self,
        stream: TcpStream,
        host: &str,
    ) -> Result<TlsStream<TcpStream>, RemoteError> {
        let failed = |source| RemoteError::Tls {
            agent: self.address.clone(),
            source,
        };
        let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(name.to_owned())
            .map_err(|error| failed(io::Error::other(error)))?;
        let tls = self.tls.as_ref().ok_or_else(|| {
            // Made with the address, which does not change.
            failed(io::ErrorKind::Unsupported.into())
        })?;
        tls.connector().connect(name, stream).await.map_err(failed)
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
        let http = |source| {
            let agent = self.address.clone();
            if is_alert(&source) {
                RemoteError::Certificate(agent)
            } else {
                RemoteError::Http { agent, source }
            }
        };
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
        // Ends when the answer has been read, or dropped.
        let driven = tokio::spawn(connection);
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = path.parse().expect("paths are our own");
        let headers = request.headers_mut();
        if let Ok(host) = host.parse() {
            headers.insert(header::HOST, host);
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        match sender.send_request(request).await {
            Ok(response) => Ok(response),
            // That the connection was gone by then says nothing; why it went does.
            Err(error) if error.is_canceled() => match driven.await {
                Ok(Err(reason)) => Err(http(reason)),
                _ => Err(http(error)),
            },
            Err(error) => Err(http(error)),
        }
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

/// Whether the agent has let us go after the handshake, of which only a client's certificate is judged
/// as late as that.
fn is_alert(error: &hyper::Error) -> bool {
    let sources = iter::successors(error.source(), |&error| error.source());
    let mut inputs = sources.filter_map(|source| source.downcast_ref::<io::Error>());
    inputs.any(|error| {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        matches!(inner, Some(rustls::Error::AlertReceived(_)))
    })
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
