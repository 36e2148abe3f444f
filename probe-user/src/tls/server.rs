//! The agent's side: its own certificate, and whose it wants to see.

use std::{path::PathBuf, sync::Arc};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{self, ServerConfig, server::WebPkiClientVerifier},
};

use super::{CERTIFICATE, TlsError, authorities, certificates, key, provider, unfit};

/// Where it all is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Files {
    /// The agent's certificate, and those above it.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authorities of those who may connect; everybody may if there are none.
    pub client_authority: Option<PathBuf>,
}

/// Shakes hands.
#[derive(Clone)]
pub struct Acceptor {
    acceptor: TlsAcceptor,
    knows_clients: bool,
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Acceptor");
        shown.field("knows_clients", &self.knows_clients);
        shown.finish_non_exhaustive()
    }
}

impl Files {
    /// The files that were given: none, or a certificate with its key.
    pub fn of(
        certificate: Option<PathBuf>,
        key: Option<PathBuf>,
        client_authority: Option<PathBuf>,
    ) -> Result<Option<Self>, TlsError> {
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(Self {
                certificate,
                key,
                client_authority,
            })),
            (None, None) if client_authority.is_none() => Ok(None),
            _ => Err(TlsError::Half),
        }
    }
}

impl Acceptor {
    /// Reads the files, and says what is wrong with them.
    pub fn read(files: &Files) -> Result<Self, TlsError> {
        let chain = certificates(&files.certificate, CERTIFICATE)?;
        let key = key(&files.key)?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?;
        let builder = match &files.client_authority {
            Some(path) => {
                let authorities = authorities(path)?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(authorities, provider()).build();
                let general = |error: rustls::server::VerifierBuilderError| {
                    TlsError::Rustls(rustls::Error::General(error.to_string()))
                };
                builder.with_client_cert_verifier(verifier.map_err(general)?)
            }
            None => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|source| unfit(&files.certificate, &files.key, source))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            knows_clients: files.client_authority.is_some(),
        })
    }

    /// Whether only those may connect whose certificate is of an authority that was named.
    #[must_use]
    pub const fn knows_clients(&self) -> bool {
        self.knows_clients
    }

    pub(crate) const fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}
