//! The side that asks: whom it trusts, and who it is.

use std::{fmt, path::Path, sync::Arc};

use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore},
};

use super::{CERTIFICATE, TlsError, authorities, certificates, key, provider, unfit};

/// Shakes hands.
#[derive(Clone)]
pub struct Connector(TlsConnector);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl Connector {
    /// Trusts the authorities in a file, or else this machine's; `identity` is a certificate and its
    /// key, for an agent that wants to know.
    pub fn read(
        authority: Option<&Path>,
        identity: Option<(&Path, &Path)>,
    ) -> Result<Self, TlsError> {
        let roots = authority.map_or_else(of_this_machine, authorities)?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match identity {
            Some((certificate, secret)) => builder
                .with_client_auth_cert(certificates(certificate, CERTIFICATE)?, key(secret)?)
                .map_err(|source| unfit(certificate, secret, source))?,
            None => builder.with_no_client_auth(),
        };
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    pub(crate) const fn connector(&self) -> &TlsConnector {
        &self.0
    }
}

/// Those that are trusted here; what cannot be read of them is passed over, as browsers do.
fn of_this_machine() -> Result<Arc<RootCertStore>, TlsError> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        return Err(TlsError::NoAuthority);
    }
    Ok(Arc::new(store))
}
