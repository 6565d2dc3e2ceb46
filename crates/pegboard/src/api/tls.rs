//! TLS by certificate files, which may change while the server runs.

use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsFiles;

/// The certificate that is served now.
#[derive(Clone)]
pub(crate) struct Tls {
    files: TlsFiles,
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

impl Tls {
    /// Reads the files. The error names the one that is wrong.
    pub(crate) fn load(files: TlsFiles) -> io::Result<Self> {
        let current = Arc::new(RwLock::new(read(&files)?));
        Ok(Self { files, current })
    }

    /// What shakes hands with a new connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone().into()
    }

    /// Reads the files again, so that a renewed certificate is served without a restart. Files that cannot be used
    /// (one of the two may be renewed before the other) leave the present certificate in place.
    pub(crate) fn reload(&self) {
        match read(&self.files) {
            Ok(config) => *self.current.write().unwrap_or_else(PoisonError::into_inner) = config,
            Err(error) => {
                tracing::warn!(error = %error, "the certificate is not renewed: the one before is kept");
            }
        }
    }
}

fn read(files: &TlsFiles) -> io::Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable("certificate", &files.certificate, &error))?;
    if chain.is_empty() {
        return Err(unusable("certificate", &files.certificate, &"there is none in it"));
    }
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable("key", &files.key, &error))?;
    let mut config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| unusable("certificate", &files.certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn unusable(what: &str, path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the TLS {what} {} cannot be used: {error}", path.display()),
    )
}
