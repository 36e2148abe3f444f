//! Why an agent did not tell, and what to do.

use std::{io, path::PathBuf};

use hyper::StatusCode;
use thiserror::Error;

use super::{AgentAddress, PATIENCE};
use crate::tls::TlsError;

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
    /// It shows a certificate that is not trusted, or speaks no TLS.
    #[error(
        "no TLS with the agent at {agent} (--tls-ca FILE names the authority of its certificate)"
    )]
    Tls {
        /// Where.
        agent: AgentAddress,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It wants to know who asks.
    #[error(
        "the agent at {0} wants a certificate of an authority that it knows: give \
         --tls-client-cert FILE and --tls-client-key FILE"
    )]
    Certificate(AgentAddress),
    /// There is none with this address.
    #[error("--tls-ca and --tls-client-cert are for an agent at https://HOST:PORT, not at {0}")]
    NoTls(AgentAddress),
    /// What TLS was given cannot be used.
    #[error(transparent)]
    Files(#[from] TlsError),
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
