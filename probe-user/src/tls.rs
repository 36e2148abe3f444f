//! TLS of the agent's TCP side: certificates and keys from files, read once, before the walls stand.
//!
//! rustls with ring, named each time: a process-wide default would be whoever's comes first.

mod client;
mod server;

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use thiserror::Error;
use tokio_rustls::rustls::{
    self, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

pub use client::Connector;
pub use server::{Acceptor, Files};

/// Why a certificate, a key or an authority is of no use.
#[derive(Debug, Error)]
pub enum TlsError {
    /// One of the two was given.
    #[error("TLS needs a certificate and its key: give both --tls-cert FILE and --tls-key FILE")]
    Half,
    /// The file could not be read.
    #[error("cannot read the {what} {}", path.display())]
    Read {
        /// What it should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Everybody on this machine could read the key.
    #[error("the key {} is open to others: `chmod o-rwx` it, so that it stays a secret", .0.display())]
    NoSecret(PathBuf),
    /// It holds something else.
    #[error("{} holds no {what}: it must be in PEM form, from -----BEGIN to -----END", path.display())]
    NoPem {
        /// What it should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// What it holds cannot be used.
    #[error("the {what} {} cannot be used", path.display())]
    Unusable {
        /// What it should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The two are not of one pair.
    #[error(
        "the key {} is not that of the certificate {}: give the two that belong together",
        key.display(),
        certificate.display()
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Nobody is trusted.
    #[error("this machine trusts no authority: name the agent's with --tls-ca FILE")]
    NoAuthority,
    /// rustls does not want to.
    #[error("TLS cannot be set up")]
    Rustls(#[from] rustls::Error),
}

const CERTIFICATE: &str = "certificate";
const KEY: &str = "private key";
const AUTHORITY: &str = "authority's certificate";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The certificates in a file, at least one: the first is the own, those above it follow.
fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path, what)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(no_pem(path, what)),
    }
}

/// The key in a file that is a secret.
fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = read(path, KEY)?;
    let mode = fs::metadata(path).map(|file| file.mode());
    if mode.is_ok_and(|mode| mode & 0o007 != 0) {
        return Err(TlsError::NoSecret(path.to_owned()));
    }
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| no_pem(path, KEY))
}

/// The authorities in a file.
fn authorities(path: &Path) -> Result<Arc<RootCertStore>, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path, AUTHORITY)? {
        store
            .add(certificate)
            .map_err(|source| TlsError::Unusable {
                what: AUTHORITY,
                path: path.to_owned(),
                source,
            })?;
    }
    Ok(Arc::new(store))
}

fn read(path: &Path, what: &'static str) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read {
        what,
        path: path.to_owned(),
        source,
    })
}

fn no_pem(path: &Path, what: &'static str) -> TlsError {
    TlsError::NoPem {
        what,
        path: path.to_owned(),
    }
}

/// What a certificate that does not go with its key, or is none, is refused with.
fn unfit(certificate: &Path, key: &Path, source: rustls::Error) -> TlsError {
    match source {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        },
        source => TlsError::Unusable {
            what: CERTIFICATE,
            path: certificate.to_owned(),
            source,
        },
    }
}
